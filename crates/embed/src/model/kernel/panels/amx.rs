//! Panels multiplied in bfloat16 with AMX: registers of 16 rows of 16 pairs, multiplied with each other at once.
//!
//! Two registers of values and two of weights make four of sums, so each that is loaded is used twice. The layout is
//! that of the other kernel for pairs. The compiler knows these instructions in assembly only
//! (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3).

use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::LazyLock,
};

use super::{
    Format, WIDTH,
    pairs::{self, Pair},
};

/// Rows of a register, and pairs or sums in each.
const SIDE: usize = 16;

/// Rows of a block.
const ROWS: usize = 2 * SIDE;

/// Outputs whose sums are in registers together.
const OUTPUTS: usize = 2 * SIDE;

/// Proof that this machine has AMX for bfloat16 and that this process may use it.
#[derive(Clone, Copy, Debug)]
pub(in crate::model::kernel) struct Amx(());

impl Amx {
    pub(in crate::model::kernel) fn detect() -> Option<Self> {
        static IS_THERE: LazyLock<bool> = LazyLock::new(|| has_instructions() && is_allowed());
        IS_THERE.then_some(Self(()))
    }
}

/// What the processor says of itself (leaf 7, EDX).
fn has_instructions() -> bool {
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    let features = __cpuid_count(7, 0).edx;
    features & AMX_BF16 != 0 && features & AMX_TILE != 0
}

/// Asks Linux for the registers, which it keeps for a process only once asked.
#[expect(unsafe_code, reason = "a call of the system")]
fn is_allowed() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: it takes two numbers and touches no memory.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

impl Format for Amx {
    type Unit = Pair;

    const N: usize = 2;
    const ROWS: usize = ROWS;
    const STEPS: usize = SIDE;

    fn unit(numbers: impl Iterator<Item = f32>) -> Pair {
        pairs::pair(numbers)
    }

    fn numbers(unit: Pair) -> impl Iterator<Item = f32> {
        pairs::numbers(unit)
    }

    fn units(rows: &[f32], row_len: usize) -> impl AsRef<[Pair]> {
        pairs::rounded(rows, row_len, [ROWS, Self::n_units(row_len)])
    }

    fn multiply(
        self,
        rows: &[Pair],
        panel: &[[Pair; WIDTH]],
        start: &[f32; WIDTH],
        products: &mut [[f32; WIDTH]],
    ) {
        assert!(panel.len().is_multiple_of(SIDE), "a panel is filled up");
        assert_eq!(
            rows.len(),
            ROWS * panel.len(),
            "rows are as long as a panel, and as many as fit"
        );
        assert_eq!(products.len(), ROWS);
        for first in (0..WIDTH).step_by(OUTPUTS) {
            multiply(rows, panel, start, products, first);
        }
    }
}

/// How the registers are shaped.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    n_rows: [u8; 16],
}

const SHAPES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    n_rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The products of a block with some of the outputs, from the first of them on.
#[expect(unsafe_code, reason = "instructions that the compiler has no functions for")]
fn multiply(
    rows: &[Pair],
    panel: &[[Pair; WIDTH]],
    start: &[f32; WIDTH],
    products: &mut [[f32; WIDTH]],
    first: usize,
) {
    let row_bytes = size_of_val(panel) / WIDTH;
    let upper = rows.as_ptr();
    let lower = upper.wrapping_add(rows.len() / 2);
    // SAFETY: an `Amx` is only made where the instructions are there and allowed, and lengths were checked: each load of
    // values takes 64 bytes of 16 rows, `row_bytes` apart; each of weights takes 64 bytes of 16 steps; sums are loaded from one row of `start`
    // again and again (stride 0), and stored to 64 bytes of 16 rows of products. Registers are given back at the end.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tileloadd tmm0, [{start} + {none}]",
            "tileloadd tmm1, [{start} + {none} + 64]",
            "tileloadd tmm2, [{start} + {none}]",
            "tileloadd tmm3, [{start} + {none} + 64]",
            "2:",
            "tileloadd tmm4, [{upper} + {row_bytes}]",
            "tileloadd tmm6, [{weights} + {step_bytes}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {step_bytes} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{lower} + {row_bytes}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {upper}, 64",
            "add {lower}, 64",
            "add {weights}, 4096",
            "dec {n}",
            "jnz 2b",
            "tilestored [{products} + {step_bytes}], tmm0",
            "tilestored [{products} + {step_bytes} + 64], tmm1",
            "tilestored [{products} + {step_bytes} + 4096], tmm2",
            "tilestored [{products} + {step_bytes} + 4160], tmm3",
            "tilerelease",
            shapes = in(reg) &SHAPES,
            start = in(reg) start.as_ptr().wrapping_add(first),
            none = in(reg) 0_usize,
            upper = inout(reg) upper => _,
            lower = inout(reg) lower => _,
            row_bytes = in(reg) row_bytes,
            weights = inout(reg) panel.as_ptr().cast::<Pair>().wrapping_add(first) => _,
            step_bytes = in(reg) size_of::<[Pair; WIDTH]>(),
            n = inout(reg) panel.len() / SIDE => _,
            products = in(reg) products.as_mut_ptr().cast::<f32>().wrapping_add(first),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
