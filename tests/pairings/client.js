// The client it began with; the port is an argument, and it leaves after three ticks.
var net = require('net');
var socket = net.connect({port:process.argv[2], host:'localhost'}, function(){
    console.log('Client connected');
    var ticks = 0;
    var interval = setInterval(function(){
        socket.write('hi');
        if (++ticks === 3) { clearInterval(interval); socket.end(); }
    }, 50);
});
socket.on('data', function(data){ console.log(data.toString()); });
socket.on('end', function(){ console.log('Client disconnected'); });
socket.on('error', function(err){ console.log(err); });
