//! How the hooks read the kernel: fields by the offsets, and constants by the values, that user space writes into the
//! instructions before load, see [`killsnoop_common::layout`].
//!
//! A field is read directly: the verifier knows the type of each pointer. No helper copies memory, so that it works on a
//! locked-down kernel too. Kernels before 5.15 give no such pointer to the current task; there all is copied.

use core::mem::MaybeUninit;

use aya_ebpf::{
    cty::c_void,
    helpers::{bpf_get_current_task, generated::bpf_probe_read_kernel},
};
use killsnoop_common::layout::{
    CAN_CAST, CONSTANT_MARK, Constant, FIELD_MARK, Field, MUST_COPY, OFFSET_MARK, PRESENT_MARK,
};

/// A number that user space has written into this instruction. For the verifier it is known: it leaves out what does not
/// come to pass. The compiler may not merge several of them: the verifier, which goes back to where a number comes from at
/// each branch that it decides, would go back to the beginning each time.
macro_rules! marked {
    ($mark:expr, $number:expr) => {{
        let number: u64;
        #[cfg(target_arch = "bpf")]
        // SAFETY: it sets a register.
        unsafe {
            core::arch::asm!("{number} = {mark}", number = out(reg) number, mark = const $mark + $number as u32,
                options(nomem, nostack, preserves_flags));
        }
        // Only so that the crate can be checked on the host.
        #[cfg(not(target_arch = "bpf"))]
        {
            number = u64::from($mark + u32::from($number));
        }
        number
    }};
}

/// Reads a number at a distance that the verifier must see as a constant. A choice among such reads would else become
/// one read at a computed distance, which it refuses.
macro_rules! read_at {
    ($width:literal, $pointer:expr, $distance:expr) => {{
        let value: u64;
        #[cfg(target_arch = "bpf")]
        // SAFETY: the verifier checks that the distance lies inside, and a pointer that is no longer valid reads as 0.
        unsafe {
            core::arch::asm!(
                concat!("{value} = *(", $width, " *)({pointer} + {distance})"),
                value = out(reg) value,
                pointer = in(reg) $pointer,
                distance = const $distance,
                options(nostack, readonly, preserves_flags)
            );
        }
        // Only so that the crate can be checked on the host.
        #[cfg(not(target_arch = "bpf"))]
        // SAFETY: as above.
        unsafe {
            value = $pointer.byte_add($distance as usize).cast::<u64>().read();
        }
        value
    }};
}

/// The value of a constant.
#[inline(always)]
pub(crate) fn constant<const N: u16>(_: Constant<N>) -> i32 {
    marked!(CONSTANT_MARK, N) as i32
}

/// Whether a constant is 1.
#[inline(always)]
pub(crate) fn is_set<const N: u16>(_: Constant<N>) -> bool {
    marked!(CONSTANT_MARK, N) != 0
}

/// Whether this kernel has a field.
#[inline(always)]
pub(crate) fn has<const N: u16>(_: Field<N>) -> bool {
    marked!(PRESENT_MARK, N) != 0
}

/// The offset of a field.
#[inline(always)]
pub(crate) fn offset<const N: u16>(_: Field<N>) -> u64 {
    marked!(OFFSET_MARK, N)
}

/// A structure of the kernel: a pointer that the verifier knows, or an address where all is copied.
#[derive(Clone, Copy)]
pub(crate) struct Struct(*const c_void);

impl Struct {
    /// Takes an argument of a hook, or another pointer with a type.
    #[inline(always)]
    pub(crate) const fn new(pointer: *const c_void) -> Self {
        Self(pointer)
    }

    #[inline(always)]
    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The pointer itself.
    #[inline(always)]
    pub(crate) const fn pointer(self) -> *const c_void {
        self.0
    }

    /// Takes a pointer or a number of which the verifier does not know the type, or that it trusts. It takes milliseconds to
    /// follow a pointer out of a structure that it trusts, and none to follow one that it does not; either way it lets
    /// nothing be read but what is there.
    #[inline(always)]
    pub(crate) fn cast<const N: u16>(pointer: *const c_void, to: Constant<N>) -> Self {
        if is_set(CAN_CAST) { Self(cast(pointer, constant(to) as u64)) } else { Self(pointer) }
    }

    /// A field, of 2, 4 or 8 bytes.
    #[inline(always)]
    pub(crate) fn get<T: Copy, const N: u16>(self, field: Field<N>) -> T {
        let value = if is_set(MUST_COPY) {
            copied_field(self.0 as u64 + offset(field), size_of::<T>() as u32)
        } else {
            self.load::<T, N>()
        };
        // SAFETY: the lower bytes of the number are the value, on a machine whose numbers begin with them.
        unsafe { core::mem::transmute_copy(&value) }
    }

    /// A field that is a pointer to another structure.
    #[inline(always)]
    pub(crate) fn follow<const N: u16>(self, field: Field<N>) -> Self {
        Self(self.get(field))
    }

    /// The place of a field, for reads at fixed distances from it.
    #[inline(always)]
    pub(crate) fn place<const N: u16>(self, field: Field<N>) -> *const c_void {
        // SAFETY: as in `read_at`.
        unsafe { self.0.byte_add(offset(field) as usize) }
    }

    #[inline(always)]
    #[cfg_attr(
        not(target_arch = "bpf"),
        expect(clippy::match_same_arms, reason = "there the widths make no difference")
    )]
    fn load<T, const N: u16>(self) -> u64 {
        match size_of::<T>() {
            2 => read_at!("u16", self.0, FIELD_MARK + N),
            4 => read_at!("u32", self.0, FIELD_MARK + N),
            _ => read_at!("u64", self.0, FIELD_MARK + N),
        }
    }
}

/// A register of a hook that is given the registers, at a function of the kernel.
#[inline(always)]
pub(crate) fn register<const N: u16>(context: *const c_void, _: Field<N>) -> u64 {
    // The verifier wants to see the context itself, and lets it be read directly on each kernel.
    Struct::new(context).load::<u64, N>()
}

/// Calls the kernel's own function `bpf_rdonly_cast`, which user space writes into this instruction.
#[inline(always)]
fn cast(pointer: *const c_void, to: u64) -> *const c_void {
    let result: *const c_void;
    #[cfg(target_arch = "bpf")]
    // SAFETY: it takes any pointer, and gives it back with a type. What is read by it is checked.
    unsafe {
        core::arch::asm!("call {mark}", mark = const killsnoop_common::layout::CAST_MARK, inout("r1") pointer => _, inout("r2") to => _,
            lateout("r0") result, lateout("r3") _, lateout("r4") _, lateout("r5") _, options(nomem, nostack));
    }
    // Only so that the crate can be checked on the host.
    #[cfg(not(target_arch = "bpf"))]
    {
        (result, _) = (pointer, to);
    }
    result
}

/// Up to 8 bytes of the kernel's memory; 0 if they cannot be read. A function of its own, so that reads that are not made
/// take no room.
#[cold]
#[inline(never)]
fn copied_field(address: u64, size: u32) -> u64 {
    peek(address, size)
}

/// As above. A locked-down kernel loads no program that gets here.
#[inline(always)]
pub(crate) fn peek(address: u64, size: u32) -> u64 {
    let mut value = 0_u64;
    // SAFETY: the helper takes any address, and writes no more than there is room for. What it cannot read it fills with
    // zeros.
    unsafe {
        bpf_probe_read_kernel((&raw mut value).cast(), size, address as *const c_void);
        (&raw const value).read_volatile()
    }
}

/// The address behind a pointer as a number. The verifier takes an argument of a hook for valid, and leaves out what a
/// program does if it is not; of a number it knows nothing. `current` is a pointer to the current task.
#[inline(always)]
pub(crate) fn address(pointer: *const c_void, current: Struct) -> u64 {
    // SAFETY: the helper has no precondition. It gives the address of the current task as a number.
    let current_address = unsafe { bpf_get_current_task() };
    if is_set(MUST_COPY) {
        return copied(pointer);
    }
    current_address.wrapping_add(distance(pointer, current.pointer()))
}

/// A pointer by way of memory.
#[cold]
#[inline(always)]
fn copied(pointer: *const c_void) -> u64 {
    let (from, mut to) = (pointer, MaybeUninit::<u64>::zeroed());
    // SAFETY: both lie on the stack.
    unsafe {
        bpf_probe_read_kernel(to.as_mut_ptr().cast(), 8, (&raw const from).cast());
        to.assume_init()
    }
}

/// How far one pointer is from another. Only as this one instruction does the verifier let pointers become a number.
#[inline(always)]
fn distance(to: *const c_void, from: *const c_void) -> u64 {
    let mut distance = to as u64;
    #[cfg(target_arch = "bpf")]
    // SAFETY: it subtracts.
    unsafe {
        core::arch::asm!("{distance} -= {from}", distance = inout(reg) distance, from = in(reg) from,
            options(nomem, nostack, pure));
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        distance = distance.wrapping_sub(from as u64);
    }
    distance
}

pub(crate) use read_at;
