// The server it began with; the port is free, and told.
var net = require('net');
var server = net.createServer(function(socket){
   console.log(socket.address().address + "connected.");
   socket.on('data',function(data){ console.log(data); });
   socket.on('close',function(){ console.log('client disconnected'); });
   socket.write('Welcome');
});
server.on('error', function(err){ console.log('Err'+ err); });
server.listen(0, function(){ console.log('listening on ' + server.address().port + '..'); });
