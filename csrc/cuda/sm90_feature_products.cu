// Tiles of X'Y on Hopper: 128 x 128 of them by two warpgroups, 64 rows each, through a ring of shared
// memory (sm90_ring.cuh). A stage is 64 samples of all parts of both operands, a step two stages.
//
// The tensor cores cut off what they add to a sum, the more the larger it is. In a stage the products
// of small parts therefore come first, those of the large parts last, and each stage starts from zero.
// What it leaves is added, rounded, to a run's sums while the next one is under way; so is a run to
// its slot, in float64.
#include <algorithm>

#include "feature_tiles.cuh"
#include "sm90_ring.cuh"

namespace mmkernels::cuda {
namespace {

static_assert(kHopperSamples == 2 * kBoxDepth &&
              kHopperRows == kTileRows && kHopperRows == kTileColumns);

constexpr int kPartBytes = kHopperRows * kStepRowBytes;  // of one operand's step
constexpr int kPairsInRing = 6;
constexpr int kRingBytes = kPairsInRing * 2 * kPartBytes;
constexpr int kValues = kTileColumns / 2;  // of a consumer's thread
constexpr int kConsumerThreads = kConsumers * kGroupThreads;
constexpr int kMeetingOfConsumers = 1;

template <int parts>
constexpr int kStages = kPairsInRing / parts;
template <int parts>
constexpr int kStageBytes = 2 * parts * kPartBytes;

struct Shared {
  ptx::Barrier filled[kPairsInRing], emptied[kPairsInRing];
  double squares[2][kConsumerThreads / 32];  // of every other item
};

struct alignas(16) Pair {
  double first, second;
};

// Of the rows of a block in the array of all operands: the first part's, and to the next part's.
struct PartRows {
  int first, apart;
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

// One thread: all stages of the block's items, one after the other.
template <int parts>
__device__ __forceinline__ void produce(const Ring& ring, const TensorMap& operands,
                                        const FeatureTable& table, const TileJob& job) {
  RingPlace place;
  for (int64_t index = ptx::block(); index < job.items(); index += ptx::blocks()) {
    const TileItem item = item_at(job, index);
    const PartRows rows = rows_of(table, item.row), columns = rows_of(table, item.column);
    const int last = static_cast<int>(last_step(job, item)) * kHopperSamples;
    // Beyond the samples, boxes are zeros.
    for (int depth = static_cast<int>(item.first_run * job.run_steps) * kHopperSamples; depth < last;
         depth += kBoxDepth) {
      uint8_t* stage = claim(ring, place, kStageBytes<parts>);
#pragma unroll
      for (int p = 0; p < parts; ++p) {
        ptx::copy_box(stage + p * kPartBytes, operands, depth, rows.first + p * rows.apart,
                      ring.filled + place.stage);
        ptx::copy_box(stage + (parts + p) * kPartBytes, operands, depth,
                      columns.first + p * columns.apart, ring.filled + place.stage);
      }
      place.advance(ring);
    }
  }
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

__device__ __forceinline__ double squares_with(const Pair* slot, bool begins, float (&run)[kValues]) {
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

template <int parts>
__device__ __forceinline__ void consume(const Ring& ring, const FeatureTable& table,
                                        const TileJob& job, Shared& shared) {
  RingPlace place;
  int parity = 0;
  float even[kValues], odd[kValues], run[kValues];
#pragma unroll
  for (int v = 0; v < kValues; ++v) run[v] = 0;
  for (int64_t index = ptx::block(); index < job.items(); index += ptx::blocks()) {
    const TileItem item = item_at(job, index);
    Pair* slot = place_in(table.slots, job.slices == 1 ? ptx::block() : index);
    const int steps = static_cast<int>(last_step(job, item) - item.first_run * job.run_steps);
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
  }
}

template <int parts>
__global__ __launch_bounds__(kHopperThreads, 1) void multiply_on_hopper(
    const __grid_constant__ TensorMap operands, FeatureTable table, TileJob job) {
  Shared& shared = *reinterpret_cast<Shared*>(ptx::shared() + kRingBytes);
  const Ring ring{ptx::shared(), shared.filled, shared.emptied, kStages<parts>, kStageBytes<parts>};
  if (ptx::thread() == 0) make_ring(ring);
  ptx::sync_threads();
  if (warpgroup() == 0) {
    ptx::give_registers<kProducerRegisters>();
    if (ptx::thread() == 0) produce<parts>(ring, operands, table, job);
  } else {
    ptx::take_registers<kConsumerRegisters>();
    consume<parts>(ring, table, job, shared);
  }
}

// One for each multiprocessor, which go from item to item.
int64_t blocks_at_once(const TileJob& job) {
  return std::min<int64_t>(job.items(), multiprocessors());
}

template <int parts>
void start(const FeatureTable& table, const TileJob& job, Stream stream) {
  const TensorMap operands =
      make_tensor_map(table.operands, parts * table.blocks * kBlockRows,
                      padded_depth(table.samples), kHopperRows);
  launch_clusters("multiply_on_hopper", multiply_on_hopper<parts>, blocks_at_once(job), 1,
                  kHopperThreads, kRingBytes + sizeof(Shared), stream, operands, table, job);
}

}  // namespace

void add_hopper_products(const FeatureTable& table, const TileJob& job, Stream stream) {
  if (table.parts == 1) return start<1>(table, job, stream);
  if (table.parts == 2) return start<2>(table, job, stream);
  start<3>(table, job, stream);
}

}  // namespace mmkernels::cuda
