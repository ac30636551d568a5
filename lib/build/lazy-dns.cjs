/** In place of dns, which pg loads for connection strings that it does not write here; a socket asks for it where it has a name. */
Object.defineProperty(exports, 'lookup', { enumerable: true, get: () => require('node:dns').lookup });
