/** In place of semver: the one function of it that the tracer's libraries call. By its path, because the name leads here. */
const gte = require('../../node_modules/semver/functions/gte.js');

module.exports = { gte };
