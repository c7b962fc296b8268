#!/usr/bin/env python3
"""refuse.py PROGRAM ARGUMENT…: runs it as the agent's unit does, with adjtimex and clock_adjtime refused (EPERM) by a seccomp filter."""

import ctypes
import errno
import os
import platform
import struct
import sys

# asm/unistd.h, linux/audit.h
ARCH, CALLS = {"x86_64": (0xC000003E, (159, 305)), "aarch64": (0xC00000B7, (171, 266))}[platform.machine()]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, DENY = 0x7FFF0000, 0x00050000 | errno.EPERM
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

# struct seccomp_data: number at 0, architecture at 4
steps = [(LOAD, 0, 0, 4), (EQUAL, 0, 3, ARCH), (LOAD, 0, 0, 0), (EQUAL, 2, 0, CALLS[0]), (EQUAL, 1, 0, CALLS[1]),
         (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, DENY)]  # fmt: skip
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
    sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
ctypes.set_errno(0)
if libc.adjtimex(ctypes.create_string_buffer(256)) != -1 or ctypes.get_errno() != errno.EPERM:
    sys.exit("adjtimex is not refused")
os.execv(sys.argv[1], sys.argv[1:])
