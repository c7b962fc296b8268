//! Copying, filling and comparing of memory, small: what the compiler calls by name (RTABI for the Arm architecture, 4.3.4).
//!
//! The compiler's own versions are unrolled for speed and take 3.5 KiB, a tenth of what the node has; these take 0.1.
//! The longest block that is copied here has 256 bytes. They are in assembly because a loop in Rust that copies is
//! recognised as a copy, and would call itself.
//!
//! A Cortex-M3 and larger reads and writes words at any address, so words are moved wherever they lie.

#[allow(
    unsafe_code,
    reason = "the names belong to the compiler, and a loop of its own would be turned into a call of itself"
)]
mod loops {
    core::arch::global_asm!(
        ".syntax unified",
        ".thumb",
        ".section .text.memory,\"ax\",%progbits",
        // Moves r2 bytes from r1 to r0, lowest first; gives r0 back.
        ".macro name it",
        "  .global \\it",
        "  .type \\it, %function",
        "  .thumb_func",
        "  \\it:",
        ".endm",
        "name memmove",
        "name __aeabi_memmove",
        "name __aeabi_memmove4",
        "name __aeabi_memmove8",
        "  subs r3, r0, r1",
        "  cmp r3, r2",
        // The target begins within the source: highest first. An unsigned comparison takes a target below it as far away.
        "  bhs memcpy",
        "  adds r1, r1, r2",
        "  add r12, r0, r2",
        "1:",
        "  subs r2, r2, #1",
        "  bmi 9f",
        "  ldrb r3, [r1, #-1]!",
        "  strb r3, [r12, #-1]!",
        "  b 1b",
        "name memcpy",
        "name __aeabi_memcpy",
        "name __aeabi_memcpy4",
        "name __aeabi_memcpy8",
        "  mov r12, r0",
        "2:",
        "  subs r2, r2, #4",
        "  bmi 3f",
        "  ldr r3, [r1], #4",
        "  str r3, [r12], #4",
        "  b 2b",
        "3:",
        "  adds r2, r2, #4",
        "4:",
        "  subs r2, r2, #1",
        "  bmi 9f",
        "  ldrb r3, [r1], #1",
        "  strb r3, [r12], #1",
        "  b 4b",
        "9:",
        "  bx lr",
        // Clears r1 bytes at r0.
        "name __aeabi_memclr",
        "name __aeabi_memclr4",
        "name __aeabi_memclr8",
        "  movs r2, #0",
        // Fills r1 bytes at r0 with r2.
        "name __aeabi_memset",
        "name __aeabi_memset4",
        "name __aeabi_memset8",
        "  mov r3, r1",
        "  mov r1, r2",
        "  mov r2, r3",
        // Fills r2 bytes at r0 with r1; gives r0 back.
        "name memset",
        "  mov r12, r0",
        "5:",
        "  subs r2, r2, #1",
        "  bmi 9b",
        "  strb r1, [r12], #1",
        "  b 5b",
        // Compares r2 bytes at r0 and r1; gives the difference of the first two that are not the same, or 0.
        "name memcmp",
        "  mov r12, r0",
        "  movs r0, #0",
        "6:",
        "  subs r2, r2, #1",
        "  bmi 9b",
        "  ldrb r0, [r12], #1",
        "  ldrb r3, [r1], #1",
        "  subs r0, r0, r3",
        "  beq 6b",
        "  bx lr",
        ".purgem name",
    );
}
