'use strict';
// a listen that throws has acted: its callback waits for a later one, and an earlier listen that is
// still on its way is forgotten
const { net, log, HOST } = require('./_h');

const bad = (s, f) => { try { s.listen('70000', f); } catch (e) { log(e.code); } };
const s = net.createServer();
bad(s, () => log('first'));
s.listen(0, HOST, () => { log('second'); s.close(); });
const t = net.createServer();
t.listen(0, HOST, () => log('never'));
bad(t, () => log('neither'));
t.on('error', (e) => log('error', e.code)).on('close', () => log('close'));
setTimeout(() => { log('listening', t.listening, t.address()); }, 40);
