#!/usr/bin/env python3
"""Runs in the place of a service, inside its sandbox, and tries what somebody who broke in would try. Exit 0: all denied."""

import ctypes
import errno
import os
import platform
import socket
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
SYSCALLS = {
    "x86_64": {"bpf": 321, "keyctl": 250, "add_key": 248, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425,
               "ptrace": 101, "mount": 165, "pivot_root": 155, "kexec_load": 246, "init_module": 175, "reboot": 169,
               "settimeofday": 164, "clock_settime": 227, "sched_setscheduler": 144, "unshare": 272, "swapon": 167,
               "mlockall": 151, "acct": 163, "syslog": 103, "setuid": 105, "chroot": 161, "personality": 135,
               "sethostname": 170, "iopl": 172, "process_vm_readv": 310},
    "aarch64": {"bpf": 280, "keyctl": 219, "add_key": 217, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425,
                "ptrace": 117, "mount": 40, "pivot_root": 41, "kexec_load": 104, "init_module": 105, "reboot": 142,
                "settimeofday": 170, "clock_settime": 112, "sched_setscheduler": 119, "unshare": 97, "swapon": 224,
                "mlockall": 230, "acct": 89, "syslog": 116, "setuid": 146, "chroot": 51, "personality": 92,
                "sethostname": 161, "process_vm_readv": 270},
}[platform.machine()]  # fmt: skip
unit = sys.argv[1]
other = "tidewaiter" if unit == "tidewaiter-collector" else "tidewaiter-collector"

# Where it may write, if anywhere.
OWN = f"/var/lib/{unit}" if os.path.isdir(f"/var/lib/{unit}") else "/var/tmp"


def call(name, *arguments):
    def probe():
        ctypes.set_errno(0)
        if LIBC.syscall(SYSCALLS[name], *arguments) == -1:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    return probe


def opens(path, mode="rb"):
    return lambda: open(path, mode).close()


def makes(path):
    return lambda: open(path, "w").close()


def starts(*command):
    return lambda: subprocess.run(command, check=True, capture_output=True)


def speaks(family, kind, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def writable_code():
    # A page that is first written and then run.
    LIBC.mmap.restype = ctypes.c_void_p
    page = LIBC.mmap(None, 4096, 7, 0x22, -1, 0)
    if page in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")


def own_program(folder):
    path = f"{folder}/program"
    with open(path, "wb") as file:
        file.write(open("/usr/bin/python3", "rb").read())
    os.chmod(path, 0o700)
    try:
        subprocess.run([path, "-c", ""], check=True, capture_output=True)
    finally:
        os.unlink(path)


def setuid_bit():
    path = f"{OWN}/bit"
    open(path, "w").close()
    try:
        os.chmod(path, 0o4700)
    finally:
        os.unlink(path)


def adjusts():
    # Asking is not what is tried here: ADJ_SETOFFSET with nothing to add. Without the capability it is denied by the kernel too.
    told = ctypes.create_string_buffer(256)
    struct.pack_into("I", told, 0, 0x0100)
    if LIBC.adjtimex(told) == -1:
        raise OSError(ctypes.get_errno(), "adjtimex")


def sees_others():
    # Processes of others: 1 is the service manager.
    os.listdir("/proc/1/fd")


PROBES = {
    # keys and data of others
    "read the password hashes": opens("/etc/shadow"),
    "read another service's data": lambda: os.listdir(f"/var/lib/{other}"),
    "read home directories": lambda: [os.listdir("/home"), os.stat("/home/.")] and os.listdir("/root"),
    "read the machine's SSH keys": lambda: os.listdir("/etc/ssh"),
    "look into the service manager": sees_others,
    "read another process's memory": call("process_vm_readv", 1, 0, 0, 0, 0, 0),
    # writing elsewhere
    "change its own site file": makes(f"/etc/{unit}/probe"),
    "write into /usr": makes("/usr/lib/probe"),
    "write into /etc": makes("/etc/probe"),
    "write into /var/log": makes("/var/log/probe"),
    "leave a unit behind": makes("/run/systemd/system/probe.service"),
    "change a kernel setting": opens("/proc/sys/kernel/core_pattern", "w"),
    "change a control group": makes("/sys/fs/cgroup/probe"),
    # running something
    "start a shell": starts("/bin/sh", "-c", "true"),
    "start su": starts("/bin/su", "-c", "true"),
    "run a program it wrote into its own folder": lambda: own_program(OWN),
    "run a program it wrote into /tmp": lambda: own_program("/tmp"),
    "have memory that is written and run": writable_code,
    "set the set-user-ID bit": setuid_bit,
    # devices
    "read the memory device": opens("/dev/mem"),
    "read a disk": lambda: os.close(os.open("/dev/vda", os.O_RDONLY)),
    "make a device": lambda: os.mknod(f"{OWN}/disk", 0o060600, os.makedev(254, 0)),
    "read a console": lambda: os.close(os.open("/dev/console", os.O_RDWR)),
    # network
    "send raw packets": speaks(socket.AF_INET, socket.SOCK_RAW, 1),
    "listen to the wire": speaks(socket.AF_PACKET, socket.SOCK_RAW),
    "talk to the kernel's network tables": speaks(socket.AF_NETLINK, socket.SOCK_RAW),
    "listen on a privileged port": lambda: socket.create_server(("127.0.0.1", 80)).close(),
    # the kernel
    "set the clock": call("clock_settime", 0, (ctypes.c_long * 2)(1_000_000_000, 0)),
    "set the clock, the old way": call("settimeofday", (ctypes.c_long * 2)(1_000_000_000, 0), 0),
    "set the clock by the call that also asks": lambda: adjusts(),
    "become root": call("setuid", 0),
    "trace a process": call("ptrace", 16, 1, 0, 0),
    "mount something": call("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
    "enter a name space of its own": call("unshare", 0x10000000),
    "change its root": call("chroot", b"/tmp"),
    "load a program into the kernel": call("bpf", 0, 0, 0),
    "watch the processor": call("perf_event_open", 0, 0, -1, -1, 0),
    "take page faults over": call("userfaultfd", 0),
    "use the kernel's other door": call("io_uring_setup", 1, (ctypes.c_char * 120)()),
    "read the key rings": call("keyctl", 0, -3, 0),
    "load a module": call("init_module", 0, 0, b""),
    "read the kernel's log": call("syslog", 2, ctypes.create_string_buffer(64), 64),
    "run ahead of everybody": call("sched_setscheduler", 0, 1, (ctypes.c_int * 1)(50)),
    "change how programs are loaded": call("personality", 0x0008),
    "rename the machine": call("sethostname", b"probe", 5),
    "pin memory": call("mlockall", 1),
    "restart the machine": call("reboot", 0, 0, 0, 0),
}

allowed = missing = 0
for what, probe in PROBES.items():
    try:
        probe()
    except (OSError, subprocess.SubprocessError) as why:
        # Asked wrongly is not denied: the question got through. Only a bad address may mean that nothing was there to give.
        code = errno.errorcode.get(getattr(why, "errno", None) or 0, type(why).__name__)
        if code in ("EINVAL", "EFAULT", "ENOSYS"):
            print(f"ALLOWED {what}: the kernel took the question ({code})")
            allowed += 1
        else:
            print(f"denied  {what} ({code})")
    else:
        print(f"ALLOWED {what}")
        allowed += 1

# And what it needs is there: the clock may be asked by the clock service alone, and the agent may ask that.
asked = LIBC.adjtimex(ctypes.create_string_buffer(256)) != -1
if unit == "tidewaiter-clock":
    print("could ask the kernel about its clock" if asked else "MISSING the kernel may not be asked about its clock")
    missing += not asked
elif asked:
    print("ALLOWED ask the kernel about its clock, which goes with setting it")
    allowed += 1
if unit == "tidewaiter":
    open("/proc/sys/kernel/random/boot_id").close()
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(5)
            door.connect("/run/tidewaiter-clock/socket")
            print(f"could ask the clock service: {door.recv(1024).decode().strip()}")
    except OSError as why:
        print(f"MISSING the clock service does not answer: {why}")
        missing += 1
print(f"{len(PROBES) - allowed} of {len(PROBES)} denied")
sys.exit(1 if allowed or missing else 0)
