//! Panels multiplied in bfloat16 with AMX: registers of 16 rows of 16 pairs, multiplied with each other at once.
//!
//! Two registers of values and two of weights make four of sums, so each that is loaded is used twice. What a register
//! holds lies side by side in memory, in the order in which registers are loaded: from rows that lie apart, or across
//! lines of the cache, loading takes longer than multiplying. The compiler knows these instructions in
//! assembly only (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3).

use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::LazyLock,
};

use pulp::Arch;

use super::{
    Format, Unit, WIDTH,
    aligned::Aligned,
    pairs::{self, Pair},
};

/// Rows of a register, and pairs or sums in each.
const SIDE: usize = 16;

/// Rows of a block.
const ROWS: usize = 2 * SIDE;

/// Outputs whose sums are in registers together.
const OUTPUTS: usize = 2 * SIDE;

/// What a register holds, row by row.
type Tile = [[Pair; SIDE]; SIDE];

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

    const ROWS: usize = ROWS;
    const STEPS: usize = SIDE;

    /// Block after block, in each the tiles of its upper and its lower rows by turns.
    fn units(rows: &[f32], row_len: usize) -> impl AsRef<[Pair]> {
        let n_units = Self::n_units(row_len);
        let n_blocks = (rows.len() / row_len).div_ceil(ROWS);
        let mut units = Aligned::zeros(n_blocks * ROWS * n_units);
        let blocks = units.chunks_exact_mut(ROWS * n_units).zip(rows.chunks(ROWS * row_len));
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (block, rows) in blocks {
                    let tiles = tiles_mut(block);
                    for (idx, row) in rows.chunks_exact(row_len).enumerate() {
                        let tiles = tiles.iter_mut().skip(idx / SIDE).step_by(ROWS / SIDE);
                        for (tile, values) in tiles.zip(row.chunks(Pair::N * SIDE)) {
                            pairs::round_into(values, &mut tile[idx % SIDE]);
                        }
                    }
                }
            },
        );
        units
    }

    /// Half after half, in each the tiles of its left and its right outputs by turns.
    fn place(n_steps: usize, [step, output]: [usize; 2]) -> usize {
        let half = output / OUTPUTS * n_steps * OUTPUTS;
        let pair_of_tiles = step / SIDE * OUTPUTS * SIDE;
        let tile = output % OUTPUTS / SIDE * SIDE * SIDE;
        half + pair_of_tiles + tile + step % SIDE * SIDE + output % SIDE
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
        let halves = panel.as_flattened().chunks_exact(OUTPUTS * panel.len());
        shape_registers();
        for (half, first) in halves.zip((0..).step_by(OUTPUTS)) {
            multiply(rows, half, start, products, first);
        }
        give_registers_back();
    }
}

#[expect(unsafe_code, reason = "an instruction that the compiler has no function for")]
fn shape_registers() {
    // SAFETY: an `Amx` is only made where the instruction is there and allowed; it reads what it is shown.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &SHAPES, options(nostack, readonly)) }
}

#[expect(unsafe_code, reason = "an instruction that the compiler has no function for")]
fn give_registers_back() {
    // SAFETY: an `Amx` is only made where the instruction is there and allowed; it touches no memory.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

fn tiles_mut(units: &mut [Pair]) -> &mut [Tile] {
    units.as_chunks_mut().0.as_chunks_mut().0
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

/// The products of a block with half of the outputs of a panel, which begin with that one. The registers have their
/// shapes.
#[expect(unsafe_code, reason = "instructions that the compiler has no functions for")]
fn multiply(
    rows: &[Pair],
    half: &[Pair],
    start: &[f32; WIDTH],
    products: &mut [[f32; WIDTH]],
    first: usize,
) {
    // SAFETY: an `Amx` is only made where the instructions are there and allowed, and lengths were checked: in each step
    // two tiles of values and two of weights are loaded, of as many as there are of either; sums are loaded from one row
    // of `start` again and again (stride 0), and stored to 64 bytes of 16 rows of products.
    unsafe {
        asm!(
            "tileloadd tmm0, [{start} + {none}]",
            "tileloadd tmm1, [{start} + {none} + 64]",
            "tileloadd tmm2, [{start} + {none}]",
            "tileloadd tmm3, [{start} + {none} + 64]",
            "2:",
            "tileloadd tmm4, [{values} + {row_bytes}]",
            "tileloadd tmm6, [{weights} + {row_bytes}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{weights} + {row_bytes} + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{values} + {row_bytes} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {values}, 2048",
            "add {weights}, 2048",
            "dec {n}",
            "jnz 2b",
            "tilestored [{products} + {sums_bytes}], tmm0",
            "tilestored [{products} + {sums_bytes} + 64], tmm1",
            "tilestored [{products} + {sums_bytes} + 4096], tmm2",
            "tilestored [{products} + {sums_bytes} + 4160], tmm3",
            start = in(reg) start.as_ptr().wrapping_add(first),
            none = in(reg) 0_usize,
            values = inout(reg) rows.as_ptr() => _,
            weights = inout(reg) half.as_ptr() => _,
            row_bytes = in(reg) size_of::<[Pair; SIDE]>(),
            sums_bytes = in(reg) size_of::<[f32; WIDTH]>(),
            n = inout(reg) half.len() / (OUTPUTS * SIDE) => _,
            products = in(reg) products.as_mut_ptr().cast::<f32>().wrapping_add(first),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
