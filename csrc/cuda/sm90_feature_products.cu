// Tiles of X'Y on Hopper: 128 x 128 of them by two warpgroups, 64 rows each, through a ring of
// shared memory (sm90_ring.cuh). A stage is 64 samples of all parts of both operands, a step two
// stages. Two blocks compute neighbouring tiles, most of which have their columns in common: each
// then fetches one half of them for both, to ask less of the cache.
//
// The tensor cores cut off what they add to a sum, the more the larger it is. In a stage the
// products of small parts therefore come first, those of the large parts last, and each stage
// starts from zero. What it leaves is added, rounded, to a run's sums while the next one is under
// way; so is a run to its slot, in float64.
#include <algorithm>

#include "feature_tiles.cuh"
#include "sm90_ring.cuh"

namespace mmkernels::cuda {
namespace {

static_assert(kHopperSamples == 2 * kBoxDepth && kHopperRows == kTileRows &&
              kHopperRows == kTileColumns);

constexpr int kTogether = 2;                             // blocks of a cluster
constexpr int kHalfRows = kHopperRows / kTogether;       // that are copied at a time
constexpr int kHalfBytes = kHalfRows * kStepRowBytes;
constexpr int kPartBytes = kHopperRows * kStepRowBytes;  // of one operand's stage
constexpr int kPairsInRing = 6;
constexpr int kRingBytes = kPairsInRing * 2 * kPartBytes;
constexpr int kValues = kTileColumns / 2;  // of a consumer's thread
constexpr int kConsumerThreads = kConsumers * kGroupThreads;
constexpr int kMeetingOfConsumers = 1;
// The producer finds its way from item to item, which takes more of them than a ring alone.
constexpr int kRegistersToProduce = 40, kRegistersToConsume = 232;

template <int parts>
constexpr int kStages = kPairsInRing / parts;
template <int parts>
constexpr int kStageBytes = 2 * parts * kPartBytes;

// Of the rows of a block in the array of all operands: the first part's, and to the next part's.
struct PartRows {
  int first, apart;
};

// Where the producer's copies come from: in shared memory, as it has few registers.
struct Sources {
  PartRows rows, columns;
  int last;  // depth
  bool shares;
};

struct Shared {
  Sources sources;
  ptx::Barrier filled[kPairsInRing], emptied[kPairsInRing];
  double squares[2][kConsumerThreads / 32];  // of every other item
};

struct alignas(16) Pair {
  double first, second;
};

__device__ __forceinline__ PartRows rows_of(const FeatureTable& table, int64_t block) {
  const FeatureSet& set = table.by_number[table.set_of_block[block]];
  return {static_cast<int>((set.first_block * table.parts + block - set.first_block) * kBlockRows),
          static_cast<int>(set.blocks * kBlockRows)};
}

__device__ __forceinline__ int64_t last_step(const TileJob& job, const TileItem& item) {
  const int64_t last = item.last_run * job.run_steps;
  return last < job.steps ? last : job.steps;
}

// What the blocks of a cluster do at a time: neighbouring units of a slice.
struct Turn {
  int units, number, rank;

  __device__ __forceinline__ int pairs() const { return (units + 1) / kTogether; }
  __device__ __forceinline__ int unit() const { return number % pairs() * kTogether + rank; }
  // Else there is no such unit: the block goes through the other one's too, for the ring's sake.
  __device__ __forceinline__ bool owned() const { return unit() < units; }
  __device__ __forceinline__ int item() const {
    return number / pairs() * units + (owned() ? unit() : units - 1);
  }
  __device__ __forceinline__ Turn of_other() const { return {units, number, 1 - rank}; }
};

// turn(Turn) for all that are the block's.
template <class Take>
__device__ __forceinline__ void take_turns(const TileJob& job, Take&& take) {
  Turn turn{static_cast<int>(job.units), static_cast<int>(ptx::block()) / kTogether,
            ptx::cluster_rank()};
  const int turns = turn.pairs() * static_cast<int>(job.slices);
  const int clusters = static_cast<int>(ptx::blocks()) / kTogether;
  for (; turn.number < turns; turn.number += clusters) take(turn);
}

// One thread: all stages of the block's items, one after the other.
template <int parts>
__device__ __forceinline__ void produce(const Ring& ring, const TensorMap& operands,
                                        const FeatureTable& table, const TileJob& job,
                                        Sources& sources) {
  RingPlace place;
  take_turns(job, [&](const Turn& turn) {
    sources.columns = rows_of(table, item_at(job, turn.of_other().item()).column);
    const TileItem item = item_at(job, turn.item());
    sources.rows = rows_of(table, item.row);
    const PartRows columns = rows_of(table, item.column);
    sources.shares = columns.first == sources.columns.first;
    sources.columns = columns;
    sources.last = static_cast<int>(last_step(job, item)) * kHopperSamples;
    // Beyond the samples, boxes are zeros.
    for (int depth = static_cast<int>(item.first_run * job.run_steps) * kHopperSamples;
         depth < sources.last; depth += kBoxDepth) {
      uint8_t* stage = claim(ring, place, kStageBytes<parts>);
      ptx::Barrier* filled = ring.filled + place.stage;
#pragma unroll 1
      for (int p = 0; p < parts; ++p)
#pragma unroll 1
        for (int half = 0; half < kTogether; ++half) {
          uint8_t* to = stage + p * kPartBytes + half * kHalfBytes;
          const int row = p * sources.rows.apart + half * kHalfRows;
          ptx::copy_box(to, operands, depth, sources.rows.first + row, filled);
          const int column = sources.columns.first + p * sources.columns.apart + half * kHalfRows;
          if (!sources.shares)
            ptx::copy_box(to + parts * kPartBytes, operands, depth, column, filled);
          else if (half == turn.rank)
            ptx::copy_box_to((1 << kTogether) - 1, to + parts * kPartBytes, operands, depth, column,
                             filled);
        }
      place.advance(ring);
    }
  });
}

// A consumer: sums = the products of a stage, those of the smallest parts first.
template <int parts>
__device__ __forceinline__ void start_stage(const uint8_t* stage, float (&sums)[kValues]) {
  const int rows = (warpgroup() - 1) * kGroupRows * kStepRowBytes;
#pragma unroll
  for (int v = 0; v < kValues; ++v) sums[v] = 0;
  ptx::start_products(sums);
#pragma unroll
  for (int order = parts - 1; order >= 0; --order)
#pragma unroll
    for (int p = 0; p <= order; ++p)
#pragma unroll
      for (int k = 0; k < kBoxDepth / 16; ++k)
        ptx::multiply_group<ptx::Bfloat16>(
            sums, ptx::operand(stage + p * kPartBytes + rows + k * 32),
            ptx::operand(stage + (parts + order - p) * kPartBytes + k * 32),
            order < parts - 1 || p > 0 || k > 0);
  ptx::commit_products();
}

// A thread's place in a unit's slot.
__device__ __forceinline__ Pair* place_in(double* slots, int64_t slot) {
  return reinterpret_cast<Pair*>(slots + slot * kTileRows * kTileColumns) + ptx::thread() -
         kGroupThreads;
}

// What the slot, where it begins nothing, and a run make together; run = 0.
__device__ __forceinline__ Pair take_pair(const Pair* slot, bool begins, int v,
                                          float (&run)[kValues]) {
  Pair sum{0, 0};
  if (!begins) sum = slot[v * kConsumerThreads];
  sum.first += static_cast<double>(run[2 * v]);
  sum.second += static_cast<double>(run[2 * v + 1]);
  run[2 * v] = run[2 * v + 1] = 0;
  return sum;
}

__device__ __forceinline__ void add_to_slot(Pair* slot, bool begins, float (&run)[kValues]) {
#pragma unroll
  for (int v = 0; v < kValues / 2; ++v)
    slot[v * kConsumerThreads] = take_pair(slot, begins, v, run);
}

__device__ __forceinline__ double squares_with(const Pair* slot, bool begins,
                                               float (&run)[kValues]) {
  double squares = 0;
#pragma unroll
  for (int v = 0; v < kValues / 2; ++v) {
    const Pair sum = take_pair(slot, begins, v, run);
    squares += sum.first * sum.first + sum.second * sum.second;
  }
  return squares;
}

// The squares of all consumers. Those who are ahead meet the one who adds before they use the same
// slots again: those of the next item are others.
__device__ __forceinline__ void write_squares(double squares, double* slots, double& to) {
  const int thread = ptx::thread() - kGroupThreads;
  squares = sum_of_lanes(squares);
  if (thread % 32 == 0) slots[thread / 32] = squares;
  ptx::sync_some(kMeetingOfConsumers, kConsumerThreads);
  if (thread == 0) {
    double sum = 0;
    for (int w = 0; w < kConsumerThreads / 32; ++w) sum += slots[w];
    to = sum;
  }
}

// What a stage left, while `pending` others are under way.
template <int pending>
__device__ __forceinline__ void take_stage(float (&sums)[kValues], float (&run)[kValues]) {
  ptx::wait_products<pending>(sums);
#pragma unroll
  for (int v = 0; v < kValues; ++v) run[v] += sums[v];
}

// Gives back what comes for the other block's sake. Nobody may be a phase behind those who give back,
// nor ahead of it: where products are multiplied, they keep a warpgroup together.
__device__ __forceinline__ void pass_steps(const Ring& ring, RingPlace& place, int steps) {
  for (int stage = 0; stage < steps * kHopperSamples / kBoxDepth; ++stage) {
    await(ring, place);
    ptx::sync_some(kMeetingOfConsumers + warpgroup(), kGroupThreads);
    release(ring, place.stage);
    place.advance(ring);
  }
}

template <int parts>
__device__ __forceinline__ void consume(const Ring& ring, const FeatureTable& table,
                                        const TileJob& job, Shared& shared) {
  RingPlace place;
  int parity = 0;
  float even[kValues], odd[kValues], run[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) run[v] = 0;
  take_turns(job, [&](const Turn& turn) {
    const TileItem item = item_at(job, turn.item());
    const int steps = static_cast<int>(last_step(job, item) - item.first_run * job.run_steps);
    if (!turn.owned()) return pass_steps(ring, place, steps);
    Pair* slot = place_in(table.slots, job.slices == 1 ? ptx::block() : turn.item());
    int left = static_cast<int>(job.run_steps);
    bool begins = true;
    for (int step = 0; step < steps; ++step) {
      const int first = place.stage;
      start_stage<parts>(await(ring, place), even);
      place.advance(ring);
      if (left == 0) {
        add_to_slot(slot, begins, run);
        begins = false;
        left = static_cast<int>(job.run_steps);
      }
      --left;
      const int second = place.stage;
      start_stage<parts>(await(ring, place), odd);
      place.advance(ring);
      take_stage<1>(even, run);
      release(ring, first);
      take_stage<0>(odd, run);
      release(ring, second);
    }
    if (job.slices > 1)
      add_to_slot(slot, begins, run);
    else
      write_squares(squares_with(slot, begins, run), shared.squares[parity ^= 1],
                    squares_of(table, item));
  });
}

template <int parts>
__global__ __launch_bounds__(kHopperThreads, 1) void multiply_on_hopper(
    const __grid_constant__ TensorMap operands, FeatureTable table, TileJob job) {
  Shared& shared = *reinterpret_cast<Shared*>(ptx::shared() + kRingBytes);
  const Ring ring{ptx::shared(), shared.filled, shared.emptied, kStages<parts>, kStageBytes<parts>};
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_cluster();
  if (warpgroup() == 0) {
    ptx::give_registers<kRegistersToProduce>();
    if (ptx::thread() == 0) produce<parts>(ring, operands, table, job, shared.sources);
  } else {
    ptx::take_registers<kRegistersToConsume>();
    consume<parts>(ring, table, job, shared);
  }
  ptx::sync_cluster();
}

// A block for each multiprocessor, which go from item to item.
int64_t clusters_of(const TileJob& job) {
  const int64_t turns = (job.units + 1) / kTogether * job.slices;
  return std::min<int64_t>(turns, std::max(1, multiprocessors() / kTogether));
}

template <int parts>
void start(const FeatureTable& table, const TileJob& job, Stream stream) {
  const TensorMap operands = make_tensor_map(table.operands, parts * table.blocks * kBlockRows,
                                             padded_depth(table.samples), kHalfRows);
  launch_clusters("multiply_on_hopper", multiply_on_hopper<parts>, clusters_of(job), kTogether,
                  kHopperThreads, kRingBytes + sizeof(Shared), stream, operands, table, job);
}

}  // namespace

void add_hopper_products(const FeatureTable& table, const TileJob& job, Stream stream) {
  if (table.parts == 1) return start<1>(table, job, stream);
  if (table.parts == 2) return start<2>(table, job, stream);
  start<3>(table, job, stream);
}

}  // namespace mmkernels::cuda
