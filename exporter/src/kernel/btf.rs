//! Offsets of fields in the running kernel, from its type information (BTF).
//!
//! Read-only and small: the format is Documentation/bpf/btf.rst of the kernel. Only what leads to the members of a
//! structure is looked at, in one pass over the types and without a copy of them.

use std::{fs, io};

/// Where every kernel with BTF shows it.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u32 = 0xeb9f;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
/// Bytes of a type without what follows it, and of one member of a structure.
const TYPE_LEN: usize = 12;

/// The type information of a kernel.
pub(super) struct Btf {
    types: Vec<u8>,
    strings: Vec<u8>,
}

/// One type: its name, its kind, how many members it has, and the bytes that follow.
struct Type<'a> {
    name: &'a [u8],
    kind: u32,
    kind_flag: bool,
    members: &'a [u8],
}

impl Btf {
    /// Reads the running kernel's.
    ///
    /// # Errors
    /// If the file cannot be read, or is not BTF.
    pub(super) fn of_running_kernel() -> io::Result<Self> {
        Self::parse(&fs::read(VMLINUX)?)
            .ok_or_else(|| invalid(format!("{VMLINUX} is not BTF of this byte order")))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if word(bytes, 0)? & 0xffff != MAGIC {
            return None;
        }
        let header_len = word(bytes, 4)? as usize;
        let section = |at: usize| {
            let start = header_len.checked_add(word(bytes, at)? as usize)?;
            Some(bytes.get(start..start.checked_add(word(bytes, at + 4)? as usize)?)?.to_vec())
        };
        Some(Self { types: section(8)?, strings: section(16)? })
    }

    /// Offset in bytes of a field of a structure; fields of its unnamed structures and unions count as its own.
    ///
    /// # Errors
    /// If this kernel has no such structure or field, or the field is no whole number of bytes.
    pub(super) fn offset(&self, structure: &str, field: &str) -> io::Result<u32> {
        let bits = self
            .types()
            .filter(|kind| kind.kind == KIND_STRUCT && kind.name == structure.as_bytes())
            .find_map(|found| self.bits_of(&found, field.as_bytes(), 0))
            .ok_or_else(|| invalid(format!("this kernel has no field {field} in struct {structure}")))?;
        if bits % 8 == 0 { Ok(bits / 8) } else { Err(invalid(format!("{structure}.{field} is a bit field"))) }
    }

    /// Offset in bits; `depth` ends the descent into unnamed structures, which do not nest deeply.
    fn bits_of(&self, structure: &Type<'_>, field: &[u8], depth: u32) -> Option<u32> {
        structure.members.chunks_exact(TYPE_LEN).find_map(|member| {
            let name = self.name(word(member, 0)?)?;
            let offset = word(member, 8)?;
            // With the flag, the upper byte is the width of a bit field.
            let offset = if structure.kind_flag { offset & 0x00ff_ffff } else { offset };
            if name == field {
                return Some(offset);
            }
            if !name.is_empty() || depth == 8 {
                return None;
            }
            let inner = self.types().nth((word(member, 4)? as usize).checked_sub(1)?)?;
            let inner = matches!(inner.kind, KIND_STRUCT | KIND_UNION).then_some(inner)?;
            offset.checked_add(self.bits_of(&inner, field, depth + 1)?)
        })
    }

    /// All types, the first of which has the number 1. Ends at whatever it cannot read.
    fn types(&self) -> impl Iterator<Item = Type<'_>> {
        let mut rest = &self.types[..];
        std::iter::from_fn(move || {
            let info = word(rest, 4)?;
            let (kind, n_members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            let len = TYPE_LEN + trailing_len(kind, n_members)?;
            let name = self.name(word(rest, 0)?)?;
            let members = rest.get(TYPE_LEN..len)?;
            rest = &rest[len..];
            Some(Type { name, kind, kind_flag: info >> 31 == 1, members })
        })
    }

    fn name(&self, offset: u32) -> Option<&[u8]> {
        self.strings.get(offset as usize..)?.split(|byte| *byte == 0).next()
    }
}

/// Bytes that follow a type of this kind; `None` for kinds that are not known.
fn trailing_len(kind: u32, n_members: usize) -> Option<usize> {
    match kind {
        // void, pointer, forward, typedef, volatile, const, restrict, function, float, type tag
        0 | 2 | 7..=12 | 16 | 18 => Some(0),
        // integer, variable, declaration tag
        1 | 14 | 17 => Some(4),
        // array
        3 => Some(12),
        // structure, union, data section, 64-bit enumeration
        4 | 5 | 15 | 19 => Some(12 * n_members),
        // enumeration, function prototype
        6 | 13 => Some(8 * n_members),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_of_the_running_kernel_are_found_in_unnamed_unions_too() {
        let btf = Btf::of_running_kernel().unwrap();
        assert_eq!(btf.offset("list_head", "next").unwrap(), 0);
        assert_eq!(btf.offset("list_head", "prev").unwrap(), 8);
        assert!(btf.offset("page", "mapping").unwrap() > 0, "it lies in an unnamed union");
    }

    #[test]
    fn what_the_kernel_does_not_have_is_named() {
        let error = Btf::of_running_kernel().unwrap().offset("task_struct", "no_such").unwrap_err();
        assert_eq!(error.to_string(), "this kernel has no field no_such in struct task_struct");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(magic) = bytes.get_mut(..2) {
                magic.copy_from_slice(&[0x9f, 0xeb]);
            }
            if let Some(btf) = Btf::parse(&bytes) {
                drop(btf.offset("a", "b"));
            }
        }
    }
}
