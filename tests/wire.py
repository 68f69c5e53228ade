#!/usr/bin/env python3
"""A wire of its own: delays each segment, and loses those that it is told to.

Usage: unshare -rn tests/wire.py [--delay MS] [--lose N] [--lose-syn N] LOG COMMAND...

10.9.0.1 is this side. What is sent to 10.9.0.2 comes back as if that were another machine: the addresses
are swapped, so that one kernel is both ends (the checksum stays right, as a sum does not depend on the
order). A server listens at 10.9.0.1:8000, its client connects to 10.9.0.2:8000. LOG has a line for each
segment of TCP: the time, the client's port, who sent it (> the client, < the server), its flags, sequence
number and acknowledgement since the beginning, its length, and whether it was carried or lost. --lose counts the
client's segments with data, --lose-syn its SYNs.

The lessons `lost` and `handshake` of netloop ship runs that are made with it:

    cd src/programs/lessons
    unshare -rn ../../../tests/wire.py --delay 100 --lose 2 /tmp/wire \\
        netloop lesson lost --wire /tmp/wire --record lost/run.jsonl
    unshare -rn ../../../tests/wire.py --lose-syn 2 /tmp/wire \\
        netloop lesson handshake --wire /tmp/wire --record handshake/run.jsonl
"""

import argparse
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

PORT = 8000
FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (16, "ACK"))


def device():
    """A TUN device, up."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    # TUNSETIFF; IFF_TUN | IFF_NO_PI
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"wire0", 0x1001))
    for words in "addr add 10.9.0.1/24 dev wire0", "link set wire0 up", "link set lo up":
        subprocess.run(["ip", *words.split()], check=True)
    return tun


class Wire:
    def __init__(self, arguments):
        self.delay = arguments.delay / 1000
        self.log = open(arguments.log, "w", buffering=1)
        self.lose = {"data": arguments.lose, "SYN": arguments.lose_syn}
        self.seen = {"data": 0, "SYN": 0}
        self.first = {}

    def takes(self, packet):
        """Notes a segment; whether it is carried."""
        head = (packet[0] & 15) * 4
        ports = struct.unpack(">HH", packet[head : head + 4])
        seq, ack, offset, bits = struct.unpack(">IIBB", packet[head + 4 : head + 14])
        length = len(packet) - head - (offset >> 4) * 4
        is_clients = ports[1] == PORT
        flags = ",".join(name for bit, name in FLAGS if bits & bit)
        flow = ports if is_clients else ports[::-1]
        if bits & 2:
            self.first[flow, is_clients] = seq
        since = lambda number, side: (number - self.first.get((flow, side), number)) & 0xFFFFFFFF
        kind = "SYN" if bits & 2 else "data" if length else None
        is_lost = False
        if is_clients and kind:
            self.seen[kind] += 1
            is_lost = self.seen[kind] == self.lose[kind]
        numbers = f"{since(seq, is_clients)} {since(ack, not is_clients)} {length}"
        way, fate = "<>"[is_clients], ("carried", "lost")[is_lost]
        port = flow[0]
        print(f"{time.time():.6f} {port} {way} {flags} {numbers} {fate}", file=self.log)
        return not is_lost


def carry(tun, wire, child):
    """Carries segments until the command has ended."""
    under_way = []
    while child.poll() is None:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            os.write(tun, under_way.pop(0)[1])
        wait = max(0, under_way[0][0] - now) if under_way else 0.05
        if not select.select([tun], [], [], wait)[0]:
            continue
        packet = bytearray(os.read(tun, 65536))
        if packet[0] >> 4 != 4 or packet[9] != 6 or not wire.takes(packet):
            continue
        packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
        under_way.append((time.monotonic() + wire.delay, bytes(packet)))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--delay", type=int, default=10)
    parser.add_argument("--lose", type=int, default=0)
    parser.add_argument("--lose-syn", type=int, default=0)
    parser.add_argument("log")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    tun = device()
    child = subprocess.Popen(arguments.command)
    carry(tun, Wire(arguments), child)
    sys.exit(child.returncode)


main()
