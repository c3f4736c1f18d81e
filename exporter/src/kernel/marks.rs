//! Writes what the running kernel is like into the BPF object, where [`killsnoop_common::layout`] has left marks.

use killsnoop_common::layout::{
    CAST_MARK, CONSTANT_MARK, FIELD_MARK, FIELDS, N_CONSTANTS, OFFSET_MARK, PRESENT_MARK,
};
use object::{Object as _, ObjectSection as _, SectionKind, read::elf::ElfFile64};
use thiserror::Error;

use super::layout::Layout;

/// Bytes of an instruction, Documentation/bpf/standardization/instruction-set.rst of the kernel.
const INSTRUCTION: usize = 8;
/// The instruction that sets a register to 64 bits, and takes two places.
const SET_64: u8 = 0x18;
/// The class of instructions that load from memory, and those that calculate with 64 bits.
const LOAD: u8 = 0x01;
const CALCULATE: u8 = 0x07;
const CLASS: u8 = 0x07;
/// The instruction that calls, and its source if it calls a function of the kernel by the number of that's type.
const CALL: u8 = 0x85;
const OF_KERNEL: u8 = 0x20;
/// Register 0 becomes what register 1 is.
const GIVE_BACK: [u8; INSTRUCTION] = [0xbf, 0x10, 0, 0, 0, 0, 0, 0];
/// Of an instruction that calculates: its operand is a register.
const BY_REGISTER: u8 = 0x08;

/// The object is not one that this program can prepare.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum MarkError {
    #[error("it is no ELF object")]
    NotElf,
    #[error("the offset of {0} is {1}, which is too large for an instruction")]
    TooFar(&'static str, u32),
}

/// The object with all marks replaced.
///
/// # Errors
/// If it is no ELF object of this byte order, or an offset does not fit.
pub(super) fn write(object: &[u8], layout: &Layout) -> Result<Vec<u8>, MarkError> {
    let mut written = object.to_vec();
    for section in programs(object)? {
        let mut rest = &mut written[section];
        while let Some((instruction, after)) = rest.split_first_chunk_mut::<INSTRUCTION>() {
            let wide = instruction[0] == SET_64;
            replace(instruction, layout)?;
            rest = if wide { after.get_mut(INSTRUCTION..).unwrap_or_default() } else { after };
        }
    }
    Ok(written)
}

/// Where the object has its programs.
fn programs(object: &[u8]) -> Result<Vec<std::ops::Range<usize>>, MarkError> {
    let elf = ElfFile64::<object::Endianness>::parse(object).map_err(|_| MarkError::NotElf)?;
    let place = |(start, len): (u64, u64)| {
        let (start, len) = (usize::try_from(start).ok()?, usize::try_from(len).ok()?);
        Some(start..start.checked_add(len)?)
    };
    let text = elf.sections().filter(|section| section.kind() == SectionKind::Text);
    Ok(text
        .filter_map(|section| place(section.file_range()?))
        .filter(|range| range.end <= object.len())
        .collect())
}

/// Writes the number in place of a mark, if the instruction has one.
fn replace(instruction: &mut [u8; INSTRUCTION], layout: &Layout) -> Result<(), MarkError> {
    let [code, _, offset_low, offset_high, immediate @ ..] = *instruction;
    let field = |n: usize| layout.fields[n].unwrap_or_default();
    if code & CLASS == LOAD {
        let marked = u16::from_le_bytes([offset_low, offset_high]).checked_sub(FIELD_MARK).map(usize::from);
        if let Some(n) = marked.filter(|n| *n < FIELDS.len()) {
            let too_far = |_| MarkError::TooFar(FIELDS[n].path, field(n));
            let offset = i16::try_from(field(n)).map_err(too_far)?;
            instruction[2..4].copy_from_slice(&offset.to_le_bytes());
        }
    } else if code == CALL && u32::from_le_bytes(immediate) == CAST_MARK {
        *instruction = match layout.cast_function.map(u32::to_le_bytes) {
            Some([a, b, c, d]) => [CALL, OF_KERNEL, 0, 0, a, b, c, d],
            // Never reached, but of instructions that are not reached the kernel wants to know the meaning, too.
            None => GIVE_BACK,
        };
    } else if code & CLASS == CALCULATE && code & BY_REGISTER == 0 {
        let marked = |mark: u32, n_numbers: usize| {
            let n = u32::from_le_bytes(immediate).checked_sub(mark)? as usize;
            (n < n_numbers).then_some(n)
        };
        let value = if let Some(n) = marked(OFFSET_MARK, FIELDS.len()) {
            field(n).cast_signed()
        } else if let Some(n) = marked(PRESENT_MARK, FIELDS.len()) {
            layout.fields[n].is_some().into()
        } else if let Some(n) = marked(CONSTANT_MARK, N_CONSTANTS) {
            layout.constants[n]
        } else {
            return Ok(());
        };
        instruction[4..].copy_from_slice(&value.to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::OBJECT;

    /// A kernel in which everything has a number of its own.
    fn layout() -> Layout {
        let fields = (0..FIELDS.len()).map(|n| Some(u32::try_from(n).unwrap() * 8)).collect();
        Layout {
            fields,
            cast_function: Some(4711),
            constants: std::array::from_fn(|n| 1_000_000 + i32::try_from(n).unwrap()),
        }
    }

    /// The instructions of all programs.
    fn instructions(object: &[u8]) -> Vec<[u8; INSTRUCTION]> {
        let sections = programs(object).unwrap();
        sections.into_iter().flat_map(|range| object[range].as_chunks().0.to_vec()).collect()
    }

    #[test]
    fn no_mark_is_left_in_the_object_that_is_shipped() {
        let written = write(OBJECT, &layout()).unwrap();
        let (before, after) = (instructions(OBJECT), instructions(&written));
        let n_changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(n_changed > 200, "only {n_changed} of {} instructions have a mark", before.len());
        let marks = [OFFSET_MARK, PRESENT_MARK, CONSTANT_MARK, CAST_MARK].map(|mark| mark >> 16);
        for instruction in after {
            let [code, _, low, high, immediate @ ..] = instruction;
            let immediate = u32::from_le_bytes(immediate);
            assert!(code == 0 || !marks.contains(&(immediate >> 16)), "{instruction:x?}");
            assert!(code & CLASS != LOAD || u16::from_le_bytes([low, high]) & 0xf000 != FIELD_MARK);
        }
    }

    #[test]
    fn a_load_gets_the_offset_of_its_field_and_an_operand_what_it_stands_for() {
        let written = |mut instruction| {
            replace(&mut instruction, &layout()).unwrap();
            instruction
        };
        let [low, high] = (FIELD_MARK + 3).to_le_bytes();
        assert_eq!(written([0x79, 0x12, low, high, 0, 0, 0, 0]), [0x79, 0x12, 24, 0, 0, 0, 0, 0]);
        let operand = |mark: u32| {
            let [a, b, c, d] = mark.to_le_bytes();
            let [.., a, b, c, d] = written([0xb7, 1, 0, 0, a, b, c, d]);
            i32::from_le_bytes([a, b, c, d])
        };
        assert_eq!(operand(OFFSET_MARK + 3), 24);
        assert_eq!(operand(PRESENT_MARK + 3), 1);
        assert_eq!(operand(CONSTANT_MARK + 3), 1_000_003);
        assert_eq!(operand(77), 77);
        let [a, b, c, d] = CAST_MARK.to_le_bytes();
        assert_eq!(written([0x85, 0, 0, 0, a, b, c, d]), [0x85, 0x20, 0, 0, 0x67, 0x12, 0, 0]);
    }

    #[test]
    fn an_offset_that_no_instruction_holds_is_refused() {
        let mut layout = layout();
        layout.fields.iter_mut().for_each(|field| *field = Some(40_000));
        assert!(matches!(write(OBJECT, &layout), Err(MarkError::TooFar(_, 40_000))));
        assert_eq!(write(b"text", &layout), Err(MarkError::NotElf));
    }
}
