// The centred kernel matrix: tiles written as they come, and centred in place once all row sums are
// known.
#include "block_sums.cuh"
#include "gram_tiles.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kThreads = 256;

template <class Tier, class T>
__global__ __launch_bounds__(kTileThreads, 1) void write_tiles(KernelMatrix matrix,
                                                               CenteredGram gram, T* out) {
  constexpr int parts = kTileRows / Tier::kColumns;
  const int64_t n = matrix.features.view.rows;
  const int64_t count = matrix.state->usable ? gram.schedule.count() * parts : 0;
  for (int64_t index = ptx::block(); index < count; index += ptx::blocks()) {
    const TileSchedule::Tile tile = gram.schedule.at(index / parts);
    if (!tile.owned) continue;
    const bool diagonal = tile.row == tile.column;
    const int64_t row = tile.row * kTileRows;
    const int64_t column = tile.column * kTileRows + index % parts * Tier::kColumns;
    typename TileOf<Tier>::Sums values;
    compute_tile<Tier>(matrix, row, column, diagonal, gram.rows, values);
    for_values<TileOf<Tier>>(values, [&](float value, int, int, int, int r, int c) {
      const int64_t i = row + r, j = column + c;
      if (i >= n || j >= n) return;
      out[i * n + j] = value;
      if (!diagonal) out[j * n + i] = value;
    });
  }
}

// One block.
__global__ void find_means(KernelMatrix matrix, CenteredGram gram) {
  auto* slots = reinterpret_cast<double*>(ptx::shared());
  const int64_t n = matrix.features.view.rows;
  const KernelState state = *matrix.state;
  double sum = 0;
  for (int64_t i = ptx::thread(); i < n; i += kThreads) {
    const double mean = (row_sum(gram.rows, i, state.fixed_point) + diagonal_value(matrix, state, i)) /
                        static_cast<double>(n);
    gram.means[i] = mean;
    sum += mean;
  }
  sum = sum_of_block(sum, slots);
  if (ptx::thread() == 0) gram.means[n] = sum / static_cast<double>(n);
}

// A block for a part of a row.
template <class T>
__global__ void centre_entries(KernelMatrix matrix, CenteredGram gram, T* out) {
  const int64_t n = matrix.features.view.rows, parts = (n + kThreads - 1) / kThreads;
  const int64_t i = ptx::block() / parts, j = ptx::block() % parts * kThreads + ptx::thread();
  if (j >= n) return;
  T& entry = out[i * n + j];
  if (!matrix.state->usable) {
    entry = static_cast<T>(ptx::bits_double(0x7ff8000000000000ull));
    return;
  }
  const double value = i == j ? diagonal_value(matrix, *matrix.state, i) : double{entry};
  entry = static_cast<T>((value - (gram.means[i] + gram.means[j]) + gram.means[n]) /
                         matrix.state->unit);
}

template <class T>
void write(const KernelMatrix& matrix, const CenteredGram& gram, T* out, Stream stream) {
  const int64_t n = matrix.features.view.rows;
  fill(gram.rows, 0, static_cast<size_t>(matrix.operand.rows) * sizeof(uint64_t), stream);
  with_tier(matrix.precision, [&](auto tier) {
    using Tier = decltype(tier);
    const int64_t tiles = gram.schedule.count() * (kTileRows / Tier::kColumns);
    launch("write_tiles", write_tiles<Tier, T>, tiles < kMostGramBlocks ? tiles : kMostGramBlocks,
           kTileThreads, TileOf<Tier>::kSharedBytes, stream, matrix, gram, out);
  });
  launch("find_means", find_means, 1, kThreads, kBlockSumBytes, stream, matrix, gram);
  launch("centre_entries", centre_entries<T>, n * ((n + kThreads - 1) / kThreads), kThreads, 0,
         stream, matrix, gram, out);
}

}  // namespace

CenteredGram take_centered_gram(int64_t samples, Workspace& workspace) {
  const int64_t rows = padded_rows(samples), panels = rows / kBlockRows;
  CenteredGram gram{};
  gram.schedule = {panels, 0, farthest_distance(panels), kGramHeight};
  gram.rows = workspace.take<uint64_t>(rows);
  gram.means = workspace.take<double>(samples + 1);
  return gram;
}

void write_centered_gram(const KernelMatrix& matrix, const CenteredGram& gram, bool wide, void* out,
                         Stream stream) {
  if (wide) return write(matrix, gram, static_cast<double*>(out), stream);
  write(matrix, gram, static_cast<float*>(out), stream);
}

}  // namespace mmkernels::cuda
