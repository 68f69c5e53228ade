'use strict';
// the mode bits of the path: readableAll, writableAll, both
const { net, log, fs, sockPath } = require('./_h');

const all = [{ readableAll: true }, { writableAll: true }, { readableAll: true, writableAll: true }];
for (const options of all) {
  const s = net.createServer();
  s.listen({ path: sockPath(), ...options });
  log(JSON.stringify(options), (fs.statSync(sockPath()).mode & 0o777).toString(8));
  s.close();
}
