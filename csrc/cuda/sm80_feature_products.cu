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
  work.runs = work.item.owned ? static_cast<int>(work.item.last_run - work.item.first_run) : 0;
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
    if (work.runs > 0) {
      typename Tile::Sums sums;
      multiply_split<Tier>(work.rows, work.columns, job.steps * kDepth,
                           job.run_length(work.item.last_run - work.runs), ptx::shared(), sums);
      double* slot = table.slots + ptx::block() * Tile::kValues * kTileThreads;
      if (work.runs == work.item.last_run - work.item.first_run)
        write_to_slot<Tile::kValues>(slot, &sums[0][0][0]);
      else
        add_to_slot<Tile::kValues>(slot, &sums[0][0][0]);
      ptx::sync_threads();
      if (work.runs == 1 && job.slices == 1)
        finish_unit<Tile::kValues>(table, work.item, slot, 1, 0, ptx::shared());
    }
    ptx::sync_threads();
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

template <int values>
__global__ __launch_bounds__(kTileThreads) void add_slots(FeatureTable table, TileJob job,
                                                          bool exact) {
  if (exact && !table.recompute[table.sets]) return;
  const TileItem item = item_at(job, ptx::block());
  if (!item.owned || (exact && !recomputed(table, item))) return;
  constexpr int64_t size = values * kTileThreads;
  finish_unit<values>(table, item, table.slots + ptx::block() * size, job.slices,
                      job.units() * size, ptx::shared());
}

template <class Tier>
void multiply(const FeatureTable& table, const TileJob& job, Stream stream) {
  launch("multiply_features", multiply_features<Tier>, blocks_of(job), kTileThreads,
         TileOf<Tier>::kSharedBytes + sizeof(Work), stream, table, job);
}

}  // namespace

void add_tile_products(const FeatureTable& table, const TileJob& job, Stream stream) {
  if (table.parts == 1) return multiply<FastTier>(table, job, stream);
  if (table.parts == 2) return multiply<HighTier>(table, job, stream);
  multiply<ExactTier>(table, job, stream);
}

void add_slices(const FeatureTable& table, const TileJob& job, bool exact, Stream stream) {
  if (job.slices == 1) return;
  const bool half = exact || table.parts == 3;
  launch("add_slots",
         half ? add_slots<TileOf<ExactTier>::kValues> : add_slots<TileOf<FastTier>::kValues>,
         job.units(), kTileThreads, kBlockSumBytes, stream, table, job,
         exact);
}

}  // namespace mmkernels::cuda
