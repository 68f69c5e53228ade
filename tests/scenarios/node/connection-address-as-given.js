'use strict';
// an address is told in the words in which it was given
const { net, log, closedPort } = require('./_h');

const host = '0:0:0:0:0:0:0:1';
closedPort((port) => {
  net.connect(port, host)
    .on('connectionAttempt', (ip, _, family) => log('attempt', ip, family))
    .on('error', (e) => {
      log(e.message.replace(String(port), 'PORT'), e.address);
      const s = net.createServer().listen(0, '::1', () => {
        net.createServer().listen(s.address().port, host).on('error', (e) => {
          log(e.message.replace(String(s.address().port), 'PORT'), e.address);
          s.close();
        });
      });
    });
}, '::1');
