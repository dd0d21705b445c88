// Tiles of X'Y on tensor cores, runs of samples in float32, all of them in float64.
#include "feature_tiles.cuh"

namespace mmkernels::cuda {
namespace {

// What a block is at, in shared memory after the ring: registers are for sums.
struct Work {
  TileItem item;
  SplitRows rows, columns;  // from the run's first sample on
  int64_t index;
  int runs;  // left
};

template <class Tier>
__device__ __forceinline__ SplitRows rows_of(const FeatureTable& table, int64_t block, int piece) {
  const FeatureSet& set = table.by_number[table.set_of_block[block]];
  const int64_t row = (block - set.first_block) * kBlockRows + piece * Tier::kColumns;
  return {set.operand.parts + row * set.operand.depth, set.operand.rows * set.operand.depth};
}

// One thread: the item, from its first run on.
template <class Tier>
__device__ __forceinline__ void start_item(const FeatureTable& table, const TileJob& job,
                                           Work& work) {
  work.item = item_at(job, work.index);
  work.rows = rows_of<Tier>(table, work.item.row, 0);
  work.columns = rows_of<Tier>(table, work.item.column, work.item.piece);
  const int64_t offset = work.item.first_run * job.run_steps * kDepth;
  work.rows.first += offset;
  work.columns.first += offset;
  work.runs = static_cast<int>(work.item.last_run - work.item.first_run);
}

// Of one part by the product that leaves registers for two blocks on a multiprocessor.
template <class Tier>
__device__ __forceinline__ void multiply(const SplitRows& rows, const SplitRows& columns,
                                         int64_t pitch, int count, uint8_t* shared,
                                         typename TileOf<Tier>::Sums& sums) {
  if constexpr (Tier::kParts == 1) {
#pragma unroll
    for (int v = 0; v < TileOf<Tier>::kValues; ++v) (&sums[0][0][0])[v] = 0;
    add_tile_product<ptx::Bfloat16>(PlainSteps{rows.first, columns.first}, count, pitch, pitch,
                                    shared, sums);
  } else {
    multiply_split<Tier>(rows, columns, pitch, count, shared, sums);
  }
}

// Adds a thread's sums of a run to its place in the block's slot, by way of the ring, which nobody
// uses then: all sums widened at once would not fit the registers.
template <int values, class Sums>
__device__ __forceinline__ void add_to_slot(const Sums& sums, double* slot, bool first) {
  auto* ring = reinterpret_cast<float*>(ptx::shared());
#pragma unroll
  for (int v = 0; v < values; ++v) ring[v * kTileThreads + ptx::thread()] = (&sums[0][0][0])[v];
#pragma unroll 4
  for (int i = ptx::thread(); i < values * kTileThreads; i += kTileThreads)
    slot[i] = (first ? 0.0 : slot[i]) + static_cast<double>(ring[i]);
}

template <class Tier>
__global__ __launch_bounds__(kTileThreads, Tier::kParts == 1 ? 2 : 1) void multiply_features(
    FeatureTable table, TileJob job) {
  using Tile = TileOf<Tier>;
  Work& work = *reinterpret_cast<Work*>(ptx::shared() + Tile::kSharedBytes);
  if (ptx::thread() == 0) {
    work.index = ptx::block();
    start_item<Tier>(table, job, work);
  }
  ptx::sync_threads();
  while (work.index < job.items()) {
    // Read before the barrier after which one thread goes on to the next run.
    const bool ends = work.runs == 1 && job.slices == 1;
    const bool begins = work.runs == work.item.last_run - work.item.first_run;
    typename Tile::Sums sums;
    multiply<Tier>(work.rows, work.columns, job.steps * kDepth,
                   job.run_length(work.item.last_run - work.runs), ptx::shared(), sums);
    ptx::sync_threads();
    double* slot = table.slots + ptx::block() * Tile::kValues * kTileThreads;
    add_to_slot<Tile::kValues>(sums, slot, begins);
    if (ends) finish_unit<Tile::kValues>(table, work.item, slot, ptx::shared());
    if (ptx::thread() == 0) {
      if (--work.runs > 0) {
        work.rows.first += job.run_steps * kDepth;
        work.columns.first += job.run_steps * kDepth;
      } else {
        work.index += ptx::blocks();
        if (work.index < job.items()) start_item<Tier>(table, job, work);
      }
    }
    ptx::sync_threads();
  }
}

// To the first slice's slot of a unit, a value of all slices for each thread.
template <int values>
__global__ __launch_bounds__(kTileThreads) void add_slots(FeatureTable table, TileJob job,
                                                          bool exact) {
  if (exact && !table.recompute[table.sets]) return;
  const int64_t unit = ptx::block() / values, apart = job.units * values * kTileThreads;
  if (exact && !recomputed(table, item_at(job, unit))) return;
  double* slot = table.slots + ptx::block() * kTileThreads + ptx::thread();
  double value = *slot;
#pragma unroll 8
  for (int64_t s = 1; s < job.slices; ++s) value += slot[s * apart];
  *slot = value;
}

template <int values>
__global__ __launch_bounds__(kTileThreads) void square_slots(FeatureTable table, TileJob job,
                                                             bool exact) {
  if (exact && !table.recompute[table.sets]) return;
  const TileItem item = item_at(job, ptx::block());
  if (exact && !recomputed(table, item)) return;
  finish_unit<values>(table, item, table.slots + ptx::block() * values * kTileThreads,
                      ptx::shared());
}

template <int values>
void start_slices(const FeatureTable& table, const TileJob& job, bool exact, Stream stream) {
  launch("add_slots", add_slots<values>, job.units * values, kTileThreads, 0, stream, table, job,
         exact);
  launch("square_slots", square_slots<values>, job.units, kTileThreads, kBlockSumBytes, stream,
         table, job, exact);
}

template <class Tier>
void start(const FeatureTable& table, const TileJob& job, Stream stream) {
  launch("multiply_features", multiply_features<Tier>, blocks_of(job), kTileThreads,
         TileOf<Tier>::kSharedBytes + sizeof(Work), stream, table, job);
}

}  // namespace

void add_tile_products(const FeatureTable& table, const TileJob& job, Stream stream) {
  if (table.parts == 1) return start<FastTier>(table, job, stream);
  if (table.parts == 2) return start<HighTier>(table, job, stream);
  start<ExactTier>(table, job, stream);
}

void add_slices(const FeatureTable& table, const TileJob& job, bool exact, Stream stream) {
  if (job.slices == 1) return;
  if (job.pieces == 1) return start_slices<TileOf<FastTier>::kValues>(table, job, exact, stream);
  start_slices<TileOf<ExactTier>::kValues>(table, job, exact, stream);
}

}  // namespace mmkernels::cuda
