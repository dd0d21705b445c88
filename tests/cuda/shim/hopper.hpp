// What only kernels for compute capability 9.0 use: barriers in shared memory, copies of boxes,
// products of warpgroups, registers that warpgroups pass on, named barriers, clusters. What hardware
// leaves undefined is an error here, or poisoned: sums while products are under way, operands before
// they are there.
#pragma once

#include <array>
#include <bitset>
#include <map>

#include "fibers.hpp"

namespace mmkernels::shim {

constexpr int kWarpgroup = 128, kGroupWarps = kWarpgroup / kWarp, kNamedBarriers = 16;

// An array as the copy engine knows it.
struct TensorMap {
  const uint16_t* values;
  int64_t rows, depth;
  int box_rows;
};
constexpr int kBoxDepth = 64, kBoxRowBytes = kBoxDepth * 2, kBoxAlignment = 1024;

// One product of a warpgroup, from the first warp that comes to it until all have waited for it.
struct GroupProduct {
  int width;  // columns
  float (*decode)(uint16_t);
  uint64_t a, b;
  bool add;
  int warps = 0;                            // that have come to it
  std::array<float*, kGroupWarps> sums{};  // of each warp's first lane: which sums these are
};

// Sums that products own, taken from a warp until all products on them are waited for.
struct OwnedSums {
  int count = 0;    // of a thread
  int pending = 0;  // products
  std::array<float*, kWarp> lanes{};
  std::vector<float> values;  // [lane][count]
};

// Warps of a warpgroup go their own ways between products. Products are counted from the first on.
struct GroupWarp {
  bool started = false;  // the fence before products
  size_t issued = 0, waited = 0;
  std::deque<size_t> groups;  // how many products there are up to the end of each, not waited for
  std::map<float*, OwnedSums> owned;
  int registers = 0;       // of a thread
  std::vector<int> asked;  // how many registers, each time
};

struct Warpgroup {
  std::array<GroupWarp, kGroupWarps> warps;
  std::deque<GroupProduct> products;
  size_t gone = 0;  // before those
  size_t complete = 0, executed = 0;  // all warps have come to; are added to the sums
  size_t waited = 0;                  // by one warp at least
  unsigned generation = 0;            // of `complete`
};

struct NamedBarrier {
  int arrived = 0, threads = 0;
  unsigned generation = 0;
  std::bitset<1024> came;
};

struct HopperBlock {
  std::vector<Warpgroup> groups;
  NamedBarrier named[kNamedBarriers];
  int registers = 0;  // that the block was given for a thread of each warp, together
  unsigned registers_generation = 0;
  std::map<const uint64_t*, int> unpublished;  // barriers, and the thread that made them
  std::map<const uint64_t*, std::vector<int>> waited;  // the phase a thread last waited for, or -1
};

HopperBlock& hopper(Block& block);
// Where in the block's shared memory; throws for what is elsewhere.
size_t shared_offset(const Block& block, const void* at, size_t bytes);
// Of the cluster; throws where it has ended.
Block& peer(Block& block, int rank);

// 0 or 1. Throws where there is no barrier.
int phase_parity(uint64_t barrier);

void make_barrier(uint64_t* barrier, int arrivals);
void publish_barriers();
void require_published(Block& block, const uint64_t* barrier);
void arrive(uint64_t* barrier);
void arrive_at(uint64_t* barrier, int rank);
void arrive_expecting(uint64_t* barrier, int bytes);
void bytes_arrived(uint64_t* barrier, int64_t bytes);
void wait_phase(uint64_t* barrier, int parity);

// Swizzled by 128 bytes: the 16-byte chunk of an address changes with the row of 128 bytes it is in.
constexpr size_t swizzled(size_t offset) { return offset ^ (offset >> 7 & 7) << 4; }

// To every block of the cluster whose bit is set.
void copy_box(int ranks, void* to_shared, const TensorMap& map, int depth, int row,
              uint64_t* barrier);
// Throws where boxes are being copied to these bytes of shared memory.
void require_copied(const Block& block, size_t begin, size_t end);

// As the descriptors of wgmma have it.
uint64_t operand(const void* shared);

void start_products();
// sums: the calling thread's `width` / 2.
void multiply_group(float (*decode)(uint16_t), int width, float* sums, uint64_t a, uint64_t b,
                    bool add);
void commit_products();
void wait_products(size_t pending);
// Throws where products under way read these bytes of shared memory.
void require_unread(Block& block, size_t begin, size_t end);
// Throws where products are not waited for when a block ends.
void require_no_products(const Block& block);

void set_registers(int count, bool more);

void sync_some(int barrier, int threads);
void arrive_some(int barrier, int threads);
void sync_cluster();

}  // namespace mmkernels::shim
