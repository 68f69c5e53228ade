//! The units that run the server under systemd.

/// The service, in which the server can do nothing but listen and answer.
const SERVICE: &str = "\
[Unit]
Description=netloop, a small TCP server
Documentation=man:netloop(1)
After=network.target

[Service]
Type=notify
NotifyAccess=main
ExecStart=PROGRAM server --quiet --echo --welcome=
WatchdogSec=30
TimeoutStopSec=30
Restart=on-failure
RestartPreventExitStatus=2
LimitNOFILE=65536
DynamicUser=yes
RuntimeDirectory=netloop
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
";

const SOCKET: &str = "\
[Unit]
Description=netloop's socket

[Socket]
ListenStream=127.0.0.1:8000
FileDescriptorName=main
NoDelay=yes

[Install]
WantedBy=sockets.target
";

/// The unit that the word names, or both, each under the name of its file.
pub(crate) fn text(word: Option<&str>) -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_ref().and_then(|program| program.to_str());
    let service = SERVICE.replace("PROGRAM", program.unwrap_or("/usr/local/bin/netloop"));
    match word {
        Some("service") => service,
        Some(_) => SOCKET.into(),
        None => format!(
            "# /etc/systemd/system/netloop.service\n{service}\n# \
             /etc/systemd/system/netloop.socket\n{SOCKET}"
        ),
    }
}
