// Tiles of X'Y in float64 from the rows as given: of the few sets that need it. Most launches of
// this kernel do nothing.
#include "feature_tiles.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kSamples = 16;  // in shared memory at a time
constexpr int kWidth = kTileRows + kExactColumns;
constexpr int kSampleBytes = kSamples * kWidth * sizeof(double);
constexpr int kDown = 8, kAcross = 4;  // a thread's part of a tile of 128 x 64

// [sample][128 features of the rows, 64 of the columns], zeros beyond the sets.
__device__ __forceinline__ void load_samples(const FeatureSet& rows, const FeatureSet& columns,
                                             int64_t row, int64_t column, int64_t first,
                                             double row_scale, double column_scale,
                                             double* samples) {
  for (int i = ptx::thread(); i < kSamples * kWidth; i += kTileThreads) {
    const int within = i % kWidth;
    const bool left = within < kTileRows;
    const Features& features = left ? rows.features : columns.features;
    const int64_t sample = first + i / kWidth;
    const int64_t feature = left ? row + within : column + within - kTileRows;
    const bool there = sample < features.view.rows && feature < features.view.columns;
    samples[i] = there ? centred_value(features, sample, feature) *
                             (left ? row_scale : column_scale)
                       : 0.0;
  }
}

__global__ __launch_bounds__(kTileThreads) void multiply_exactly(FeatureTable table, TileJob job) {
  if (!table.recompute[table.sets]) return;
  auto* samples = reinterpret_cast<double*>(ptx::shared());
  double* slot = table.slots + ptx::block() * kDown * kAcross * kTileThreads;
  for (int64_t index = ptx::block(); index < job.items(); index += ptx::blocks()) {
    const TileItem item = item_at(job, index);
    if (!recomputed(table, item)) continue;
    const FeatureSet& rows = table.by_number[table.set_of_block[item.row]];
    const FeatureSet& columns = table.by_number[table.set_of_block[item.column]];
    const int64_t row = (item.row - rows.first_block) * kBlockRows;
    const int64_t column =
        (item.column - columns.first_block) * kBlockRows + item.piece * kExactColumns;
    const double row_scale = split_scale(rows.features);
    const double column_scale = split_scale(columns.features);
    const int down = ptx::thread() / 16 * kDown, across = ptx::thread() % 16 * kAcross;
    double sums[kDown * kAcross] = {};
    const int64_t last = item.last_run == job.runs ? table.samples
                                                   : item.last_run * job.run_steps * kDepth;
    for (int64_t first = item.first_run * job.run_steps * kDepth; first < last;
         first += kSamples) {
      load_samples(rows, columns, row, column, first, row_scale, column_scale, samples);
      ptx::sync_threads();
#pragma unroll 4
      for (int s = 0; s < kSamples; ++s) {
        const double* of_sample = samples + s * kWidth;
#pragma unroll
        for (int i = 0; i < kDown; ++i)
#pragma unroll
          for (int j = 0; j < kAcross; ++j)
            sums[i * kAcross + j] += of_sample[down + i] * of_sample[kTileRows + across + j];
      }
      ptx::sync_threads();
    }
#pragma unroll
    for (int v = 0; v < kDown * kAcross; ++v) slot[v * kTileThreads + ptx::thread()] = sums[v];
    // Samples of the next item may come to their place meanwhile.
    if (job.slices == 1)
      finish_unit<kDown * kAcross>(table, item, slot, ptx::shared() + kSampleBytes);
  }
}

}  // namespace

void add_exact_products(const FeatureTable& table, const TileJob& job, Stream stream) {
  launch("multiply_exactly", multiply_exactly, blocks_of(job), kTileThreads,
         kSampleBytes + kBlockSumBytes, stream, table, job);
}

}  // namespace mmkernels::cuda
