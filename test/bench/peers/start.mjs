/** One tool in a process of its own, as a deployment runs it. Arguments: module of the tool, folder, URL. */
const [module = '', folder = '', url = ''] = process.argv.slice(2);
const { up } = await import(module);
await up(folder, url);
