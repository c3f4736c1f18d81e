//! What the running kernel says of its own types (BTF): offsets of fields, numbers of enumerations, arguments of
//! tracepoints.
//!
//! Read-only and small: the format is Documentation/bpf/btf.rst of the kernel. One pass finds where each type begins;
//! only what is asked for is looked at further.

use std::{collections::HashMap, fs, io};

/// Where every kernel with BTF shows it.
pub(crate) const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u32 = 0xeb9f;
const KIND_INT: u32 = 1;
const KIND_POINTER: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_TYPEDEF: u32 = 8;
const KIND_FUNCTION: u32 = 12;
const KIND_PROTOTYPE: u32 = 13;
/// Bytes of a type without what follows it, and of one member of a structure.
const TYPE_LEN: usize = 12;
/// Bytes of one value of an enumeration, and of one argument of a prototype.
const PAIR_LEN: usize = 8;
/// Unnamed structures do not nest deeply.
const MAX_DEPTH: u32 = 8;

/// The type information of a kernel.
pub(super) struct Btf {
    types: Vec<u8>,
    strings: Vec<u8>,
    /// Where each type begins; the first has the number 1.
    starts: Vec<usize>,
    /// Numbers of the types that have a name, by the hash of that and what they are.
    names: HashMap<u64, u32>,
}

/// One type: its name, its kind, and the bytes that follow.
struct Type<'a> {
    name: u32,
    kind: u32,
    kind_flag: bool,
    /// What it refers to, or its size.
    refers_to: u32,
    trailing: &'a [u8],
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
        let mut btf =
            Self { types: section(8)?, strings: section(16)?, starts: Vec::new(), names: HashMap::new() };
        btf.index();
        Some(btf)
    }

    /// Finds where each type begins, up to whatever cannot be read.
    fn index(&mut self) {
        let mut start = 0;
        for number in 1.. {
            let Some((found, next)) = read(&self.types, start) else { break };
            let (name, kind) = (found.name, found.kind);
            self.starts.push(start);
            let is_sought =
                matches!(kind, KIND_STRUCT | KIND_UNION | KIND_ENUM | KIND_TYPEDEF | KIND_FUNCTION);
            if is_sought && let Some(name @ [_, ..]) = self.name(name) {
                let hash = hash(kind, name);
                self.names.entry(hash).or_insert(number);
            }
            start = next;
        }
    }

    /// Offset in bytes of a field of a structure; fields of its unnamed structures and unions count as its own. A path of
    /// names with dots between leads into the structures that it contains.
    ///
    /// # Errors
    /// If this kernel has no such structure or field, or the field is no whole number of bytes.
    pub(super) fn offset(&self, structure: &str, path: &str) -> io::Result<u32> {
        let missing = || invalid(format!("this kernel has no field {path} in struct {structure}"));
        let mut number = self.find(KIND_STRUCT, structure).ok_or_else(missing)?;
        let mut bits = 0;
        for field in path.split('.') {
            let found = self.get(number).ok_or_else(missing)?;
            let (offset, kind) = self.member(&found, field.as_bytes(), 0).ok_or_else(missing)?;
            bits += offset;
            number = self.without_typedefs(kind);
        }
        if bits % 8 == 0 { Ok(bits / 8) } else { Err(invalid(format!("{structure}.{path} is a bit field"))) }
    }

    /// Size in bytes of a structure.
    pub(super) fn size(&self, structure: &str) -> Option<u32> {
        Some(self.get(self.find(KIND_STRUCT, structure)?)?.refers_to)
    }

    /// Whether the last member of a structure is an array without a length.
    pub(super) fn ends_open(&self, structure: &str) -> bool {
        let last = || {
            let found = self.get(self.find(KIND_STRUCT, structure)?)?;
            let member = found.trailing.chunks_exact(TYPE_LEN).last()?;
            let last = self.get(word(member, 4)?)?;
            (last.kind == KIND_ARRAY).then(|| word(last.trailing, 8))?
        };
        last() == Some(0)
    }

    /// The number of a value of an enumeration, if it is a small one.
    pub(super) fn value(&self, enumeration: &str, name: &str) -> Option<u32> {
        let found = self.get(self.find(KIND_ENUM, enumeration)?)?;
        let mut values = found.trailing.chunks_exact(PAIR_LEN);
        values.find_map(|value| (self.name(word(value, 0)?)? == name.as_bytes()).then(|| word(value, 4))?)
    }

    /// Size in bytes of a union.
    pub(super) fn union_size(&self, name: &str) -> Option<u32> {
        Some(self.get(self.find(KIND_UNION, name)?)?.refers_to)
    }

    /// The number of the type of a function of the kernel.
    pub(super) fn function(&self, name: &str) -> Option<u32> {
        self.find(KIND_FUNCTION, name)
    }

    /// The number of the type of a structure.
    pub(super) fn structure(&self, name: &str) -> Option<u32> {
        self.find(KIND_STRUCT, name)
    }

    /// How many arguments a tracepoint gives to a program, and whether the first of them is a pointer.
    pub(super) fn tracepoint(&self, name: &str) -> Option<(usize, bool)> {
        let typedef = self.get(self.find(KIND_TYPEDEF, &format!("btf_trace_{name}"))?)?;
        let prototype = self.get(self.get(typedef.refers_to)?.refers_to)?;
        if prototype.kind != KIND_PROTOTYPE {
            return None;
        }
        // The very first argument is the tracepoint's own.
        let mut arguments = prototype.trailing.chunks_exact(PAIR_LEN).skip(1);
        let n = arguments.len();
        let first = self.get(self.without_typedefs(word(arguments.next()?, 4)?))?;
        Some((n, first.kind == KIND_POINTER))
    }

    /// Offset in bits of a member, and its type's number.
    fn member(&self, structure: &Type<'_>, field: &[u8], depth: u32) -> Option<(u32, u32)> {
        if !matches!(structure.kind, KIND_STRUCT | KIND_UNION) {
            return None;
        }
        structure.trailing.chunks_exact(TYPE_LEN).find_map(|member| {
            let (name, kind, offset) = (self.name(word(member, 0)?)?, word(member, 4)?, word(member, 8)?);
            // With the flag, the upper byte is the width of a bit field.
            let offset = if structure.kind_flag { offset & 0x00ff_ffff } else { offset };
            if name == field {
                return Some((offset, kind));
            }
            if !name.is_empty() || depth == MAX_DEPTH {
                return None;
            }
            let (inner, found) = self.member(&self.get(kind)?, field, depth + 1)?;
            Some((offset.checked_add(inner)?, found))
        })
    }

    /// The type behind a type's other names.
    fn without_typedefs(&self, number: u32) -> u32 {
        let step = |number: &u32| {
            let found = self.get(*number)?;
            (found.kind == KIND_TYPEDEF).then_some(found.refers_to)
        };
        std::iter::successors(Some(number), step).take(MAX_DEPTH as usize).last().unwrap_or(number)
    }

    fn find(&self, kind: u32, name: &str) -> Option<u32> {
        let number = *self.names.get(&hash(kind, name.as_bytes()))?;
        // Another name can have the same hash; then this one counts as missing, which is told.
        (self.name(self.get(number)?.name)? == name.as_bytes()).then_some(number)
    }

    fn get(&self, number: u32) -> Option<Type<'_>> {
        let start = *self.starts.get((number as usize).checked_sub(1)?)?;
        Some(read(&self.types, start)?.0)
    }

    fn name(&self, offset: u32) -> Option<&[u8]> {
        self.strings.get(offset as usize..)?.split(|byte| *byte == 0).next()
    }
}

/// FNV-1a: a hundred thousand short names are hashed at each start.
fn hash(kind: u32, name: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    name.iter().fold(0xcbf2_9ce4_8422_2325 ^ u64::from(kind), step)
}

/// The type that begins at a place, and where the next one does.
fn read(types: &[u8], start: usize) -> Option<(Type<'_>, usize)> {
    let rest = types.get(start..)?;
    let info = word(rest, 4)?;
    let (kind, n_members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
    let len = TYPE_LEN + trailing_len(kind, n_members)?;
    let found = Type {
        name: word(rest, 0)?,
        kind,
        kind_flag: info >> 31 == 1,
        refers_to: word(rest, 8)?,
        trailing: rest.get(TYPE_LEN..len)?,
    };
    Some((found, start + len))
}

/// Bytes that follow a type of this kind; `None` for kinds that are not known.
fn trailing_len(kind: u32, n_members: usize) -> Option<usize> {
    match kind {
        // void, pointer, forward, typedef, volatile, const, restrict, function, float, type tag
        0 | KIND_POINTER | 7..=KIND_FUNCTION | 16 | 18 => Some(0),
        // integer, variable, declaration tag
        KIND_INT | 14 | 17 => Some(4),
        // element, index, length
        KIND_ARRAY => Some(12),
        // structure, union, data section, 64-bit enumeration
        KIND_STRUCT | KIND_UNION | 15 | 19 => Some(12 * n_members),
        // enumeration, function prototype
        KIND_ENUM | KIND_PROTOTYPE => Some(PAIR_LEN * n_members),
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
    fn fields_of_the_running_kernel_are_found_in_unnamed_unions_and_by_paths() {
        let btf = Btf::of_running_kernel().unwrap();
        assert_eq!(btf.offset("list_head", "next").unwrap(), 0);
        assert_eq!(btf.offset("list_head", "prev").unwrap(), 8);
        assert!(btf.offset("page", "mapping").unwrap() > 0, "it lies in an unnamed union");
        assert_eq!(btf.offset("k_sigaction", "sa.sa_handler").unwrap(), 0);
        assert_eq!(btf.size("list_head"), Some(16));
    }

    #[test]
    fn enumerations_and_tracepoints_of_the_running_kernel_are_found() {
        let btf = Btf::of_running_kernel().unwrap();
        assert_eq!(btf.value("pid_type", "PIDTYPE_TGID"), Some(1));
        assert_eq!(btf.value("pid_type", "NO_SUCH"), None);
        assert_eq!(btf.value("bpf_map_type", "BPF_MAP_TYPE_RINGBUF"), Some(27));
        assert_eq!(btf.tracepoint("signal_generate"), Some((5, false)));
        assert_eq!(btf.tracepoint("sched_process_fork"), Some((2, true)));
        assert_eq!(btf.tracepoint("no_such"), None);
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
                drop(btf.offset("a", "b.c"));
                _ = btf.tracepoint("a");
            }
        }
    }
}
