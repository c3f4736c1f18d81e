//! Numbers without branches. The verifier goes through the rest of a program once for each way that leads there, and through
//! each of the kernel's types on the way: a few choices in a loop are many ways, and take a part of a second at each start.

/// Makes the verifier forget how a number came about. `unknown` is any number of which it knows nothing, such as one read
/// from memory.
#[inline(always)]
pub(crate) fn opaque(number: u64, unknown: u64) -> u64 {
    let mut number = number;
    #[cfg(target_arch = "bpf")]
    // SAFETY: it changes the number and changes it back.
    unsafe {
        core::arch::asm!("{number} ^= {unknown}", "{number} ^= {unknown}", number = inout(reg) number,
            unknown = in(reg) unknown, options(nostack));
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        number = number ^ unknown ^ unknown;
    }
    number
}

/// 1 if the first number is less than the second, else 0. Both are below 2^63.
#[inline(always)]
pub(crate) fn less(a: u64, b: u64) -> u64 {
    hidden(a).wrapping_sub(b) >> 63
}

/// 1 if they are equal, else 0. Both are below 2^63.
#[inline(always)]
pub(crate) fn equal(a: u64, b: u64) -> u64 {
    less(a ^ b, 1)
}

/// The first number if the choice is 1, the second if it is 0.
#[inline(always)]
pub(crate) fn choose(choice: u64, a: u64, b: u64) -> u64 {
    let mask = hidden(choice.wrapping_neg());
    (a & mask) | (b & !mask)
}

/// The number, of which the compiler knows nothing: it would make a branch of what is calculated with it.
#[inline(always)]
fn hidden(number: u64) -> u64 {
    let mut number = number;
    #[cfg(target_arch = "bpf")]
    // SAFETY: it does nothing.
    unsafe {
        core::arch::asm!("/* {number} */", number = inout(reg) number, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        number = core::hint::black_box(number);
    }
    number
}
