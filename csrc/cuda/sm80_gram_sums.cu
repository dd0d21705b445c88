// Sums over all pairs of samples of products of two kernels' values: a tile of each kernel on the
// same pair of blocks of rows, in registers, one pair after the other.
#include "block_sums.cuh"
#include "gram_values.cuh"

namespace mmkernels::cuda {
namespace {

// So many blocks share the tiles, a fixed number: what each adds up does not depend on the device.
constexpr int64_t kMostBlocks = 4096;
// Neighbouring panels that visit together, so that tiles at work at the same time share operands.
constexpr int64_t kHeight = 8;

// What each warp adds to the rows and columns of a tile: in the place of the ring.
template <class Tier>
struct LineSums {
  using Tile = TileOf<Tier>;
  double rows[Tile::kWarpsAcross][kTileRows];
  double columns[Tile::kWarpsDown][Tile::kColumns];
};

// Sums over the lines of the warp's part of a tile.
template <class Tier>
__device__ __forceinline__ void add_lines(const typename TileOf<Tier>::Sums& values,
                                          LineSums<Tier>& lines) {
  using Tile = TileOf<Tier>;
  using Wide = typename Tier::Wide;
  const int lane = ptx::thread() % 32;
  Wide rows[Tile::kFragments * 2] = {}, columns[8] = {};
#pragma unroll
  for (int i = 0; i < Tile::kFragments; ++i)
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const Wide value = values[i][j][e];
        rows[i * 2 + e / 2] += value;
        columns[j * 2 + e % 2] += value;
      }
#pragma unroll
  for (int v = 0; v < Tile::kFragments * 2; ++v) {
#pragma unroll
    for (int mask = 1; mask < 4; mask *= 2) rows[v] += ptx::shuffle_xor(rows[v], mask);
    if (lane % 4 == 0) lines.rows[Tile::warp_across()][Tile::row(lane, v / 2, v % 2 * 2)] = rows[v];
  }
#pragma unroll
  for (int v = 0; v < 8; ++v) {
#pragma unroll
    for (int mask = 4; mask < 32; mask *= 2) columns[v] += ptx::shuffle_xor(columns[v], mask);
    if (lane / 4 == 0) lines.columns[Tile::warp_down()][Tile::column(lane, v / 2, v % 2)] = columns[v];
  }
}

// Integers add in any order to the same sum.
__device__ __forceinline__ void add_fixed_point(uint64_t* sum, double value, double fixed_point) {
  if (value != 0)
    ptx::atomic_add(sum, static_cast<uint64_t>(static_cast<int64_t>(value * fixed_point)));
}

// A diagonal tile holds both (i, j) and (j, i): its rows suffice.
template <class Tier>
__device__ __forceinline__ void flush_lines(const LineSums<Tier>& lines, bool diagonal,
                                            double fixed_point, uint64_t* rows, uint64_t* columns) {
  using Tile = TileOf<Tier>;
  const int line = ptx::thread() % kTileRows;
  double sum = 0;
  if (ptx::thread() < kTileRows) {
#pragma unroll
    for (int w = 0; w < Tile::kWarpsAcross; ++w) sum += lines.rows[w][line];
    add_fixed_point(rows + line, sum, fixed_point);
  } else if (line < Tile::kColumns && !diagonal) {
#pragma unroll
    for (int w = 0; w < Tile::kWarpsDown; ++w) sum += lines.columns[w][line];
    add_fixed_point(columns + line, sum, fixed_point);
  }
}

// One kernel's tile, and its part of the row sums. Leaves when all threads have met.
template <class Tier>
__device__ __forceinline__ void compute_tile(const KernelMatrix& matrix, int64_t row, int64_t column,
                                             bool diagonal, uint64_t* row_sums,
                                             typename TileOf<Tier>::Sums& values) {
  static_assert(sizeof(LineSums<Tier>) <= TileOf<Tier>::kSharedBytes);
  auto& lines = *reinterpret_cast<LineSums<Tier>*>(ptx::shared());
  multiply_split<Tier>(matrix.operand, row, column, ptx::shared(), values);
  to_kernel_values<Tier>(matrix, matrix.state->shift, matrix.state->minus_one, row, column, values);
  ptx::sync_threads();
  add_lines<Tier>(values, lines);
  // As float64 they would take twice the registers while the other tile is multiplied.
  for_values<Tier>(values, [](float& value, int, int, int, int, int) { ptx::forget(value); });
  ptx::sync_threads();
  flush_lines<Tier>(lines, diagonal, matrix.state->fixed_point, row_sums + row, row_sums + column);
  ptx::sync_threads();
}

template <class Tier>
__global__ __launch_bounds__(kTileThreads, 1) void add_pair_products(KernelMatrix k, KernelMatrix l,
                                                                     PairPass pass) {
  constexpr int parts = kTileRows / Tier::kColumns;
  using Sums = typename TileOf<Tier>::Sums;
  using Wide = typename Tier::Wide;
  double products[3] = {0, 0, 0};
  const bool possible = k.state->usable && l.state->usable;
  const int64_t count = possible ? pass.schedule.count() * parts : 0;
  for (int64_t index = ptx::block(); index < count; index += ptx::blocks()) {
    const TileSchedule::Tile tile = pass.schedule.at(index / parts);
    if (!tile.owned) continue;
    const bool diagonal = tile.row == tile.column;
    const int64_t row = tile.row * kTileRows;
    const int64_t column = tile.column * kTileRows + index % parts * Tier::kColumns;
    Sums of_k, of_l;
    compute_tile<Tier>(k, row, column, diagonal, pass.rows_k, of_k);
    compute_tile<Tier>(l, row, column, diagonal, pass.rows_l, of_l);
    Wide sums[3] = {0, 0, 0};
#pragma unroll
    for (int i = 0; i < TileOf<Tier>::kFragments; ++i)
#pragma unroll
      for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const Wide a = of_k[i][j][e], b = of_l[i][j][e];
          sums[0] += a * a;
          sums[1] += b * b;
          sums[2] += a * b;
        }
    const double weight = diagonal ? 1 : 2;
#pragma unroll
    for (int p = 0; p < 3; ++p) products[p] += weight * static_cast<double>(sums[p]);
  }
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  for (int p = 0; p < 3; ++p) {
    const double sum = sum_of_block(products[p], slots);
    if (ptx::thread() == 0) pass.products[ptx::block() * 3 + p] = sum;
  }
}

}  // namespace

PairPass take_pair_pass(int64_t samples, Workspace& workspace) {
  const int64_t rows = padded_rows(samples), panels = rows / kBlockRows;
  PairPass pass{};
  pass.schedule = {panels, 0, farthest_distance(panels), kHeight};
  pass.samples = samples;
  const int64_t tiles = pass.schedule.count() * 2;
  pass.blocks = tiles < kMostBlocks ? tiles : kMostBlocks;
  pass.products = workspace.take<double>(pass.blocks * 3);
  pass.rows_k = workspace.take<uint64_t>(rows);
  pass.rows_l = workspace.take<uint64_t>(rows);
  return pass;
}

void run_pair_pass(const KernelMatrix& k, const KernelMatrix& l, const PairPass& pass,
                   Stream stream) {
  const size_t bytes = static_cast<size_t>(k.operand.rows) * sizeof(uint64_t);
  fill(pass.rows_k, 0, bytes, stream);
  fill(pass.rows_l, 0, bytes, stream);
  with_tier(k.precision, [&](auto tier) {
    using Tier = decltype(tier);
    launch("add_pair_products", add_pair_products<Tier>, pass.blocks, kTileThreads,
           TileOf<Tier>::kSharedBytes, stream, k, l, pass);
  });
}

}  // namespace mmkernels::cuda
