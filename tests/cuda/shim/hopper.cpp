#include "hopper.hpp"

#include <cmath>

namespace mmkernels::shim {
namespace {

// The word of a barrier: what is neither made nor any more one is told from it by its mark.
constexpr uint64_t kMark = 0xb5;
constexpr int64_t kMostBytes = (1 << 20) - 1;  // that a phase may expect
constexpr int kMostArrivals = (1 << 11) - 1;
struct BarrierState {
  int parity, arrivals, pending;
  int64_t bytes;  // announced and not yet there; fewer than 0 where bytes came first
};

BarrierState unpack(uint64_t word) {
  if (word >> 56 != kMark)
    throw std::runtime_error("what is used as a barrier was not made one, or was written over");
  return {static_cast<int>(word & 1), static_cast<int>(word >> 1 & kMostArrivals),
          static_cast<int>(word >> 12 & kMostArrivals),
          static_cast<int64_t>(word >> 23 & ((1u << 22) - 1)) - (1 << 21)};
}

uint64_t pack(const BarrierState& state) {
  return kMark << 56 | static_cast<uint64_t>(state.bytes + (1 << 21)) << 23 |
         static_cast<uint64_t>(state.pending) << 12 | static_cast<uint64_t>(state.arrivals) << 1 |
         static_cast<uint64_t>(state.parity);
}

void change(uint64_t* barrier, int arrivals, int64_t bytes) {
  BarrierState state = unpack(*barrier);
  if (state.pending < arrivals) throw std::runtime_error("more threads arrive than a barrier is made for");
  state.pending -= arrivals;
  state.bytes += bytes;
  if (std::abs(state.bytes) > kMostBytes)
    throw std::runtime_error("a barrier is to count more than 2^20 - 1 bytes");
  if (state.pending == 0 && state.bytes == 0) {
    state.parity ^= 1;
    state.pending = state.arrivals;
  }
  *barrier = pack(state);
}

// Where in the block's shared memory; throws for what is elsewhere.
size_t shared_offset(const Block& block, const void* at, size_t bytes) {
  const auto* place = static_cast<const uint8_t*>(at);
  if (place < block.shared || place + bytes > block.shared + block.shared_bytes)
    throw std::runtime_error("an address is not in the block's shared memory");
  return static_cast<size_t>(place - block.shared);
}

Block& peer(Block& block, int rank) {
  if (rank < 0 || rank >= static_cast<int>(block.cluster->blocks.size()))
    throw std::runtime_error("the cluster has no block of that rank");
  Block& other = block.cluster->blocks[rank];
  if (other.alive == 0) throw std::runtime_error("a block is written to that has ended");
  return other;
}

HopperBlock& hopper(Block& block) {
  if (!block.hopper) {
    block.hopper = std::make_shared<HopperBlock>();
    block.hopper->groups.resize((block.fibers.size() + kWarpgroup - 1) / kWarpgroup);
  }
  return *block.hopper;
}

Warpgroup& warpgroup() { return hopper(block()).groups[fiber().thread / kWarpgroup]; }

// All threads of a warpgroup meet; the last one to come runs `all`.
template <class All>
void meet_group(const char* what, const void* argument, All&& all) {
  const int first = fiber().thread / kWarpgroup * kWarpgroup;
  if (first + kWarpgroup > static_cast<int>(block().fibers.size()))
    throw std::runtime_error(std::string(what) + " needs a warpgroup of 128 threads");
  Warpgroup& group = warpgroup();
  if (group.arrived == 0) group.what = what;
  if (std::strcmp(group.what, what) != 0)
    throw std::runtime_error(std::string("threads of a warpgroup meet in ") + group.what + " and in " +
                             what);
  group.argument[fiber().thread - first] = argument;
  const unsigned seen = group.generation;
  if (++group.arrived < kWarpgroup) return wait_for(&group.generation, seen);
  all(group);
  group.arrived = 0;
  ++group.generation;
}

// Swizzled by 128 bytes: the 16-byte chunk of an address changes with the row of 128 bytes it is in.
size_t swizzled(size_t offset) { return offset ^ (offset >> 7 & 7) << 4; }

void read_rows(const Block& block, uint64_t descriptor, int rows, float (*decode)(uint16_t),
               std::vector<float>& out) {
  const size_t start = (descriptor & 0x3fff) << 4, between = (descriptor >> 32 & 0x3fff) << 4;
  if (descriptor >> 62 != 1) throw std::runtime_error("an operand is not swizzled by 128 bytes");
  if ((start & ~size_t{0x60}) % kBoxAlignment)
    throw std::runtime_error("an operand does not start at a multiple of 1024");
  out.resize(static_cast<size_t>(rows) * 16);
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < 16; ++k) {
      const size_t at = swizzled(start + r / 8 * between + r % 8 * kBoxRowBytes + k * 2);
      if (at + 2 > block.shared_bytes)
        throw std::runtime_error("an operand reaches beyond the block's shared memory");
      uint16_t bits;
      std::memcpy(&bits, block.shared + at, 2);
      out[static_cast<size_t>(r) * 16 + k] = decode(bits);
    }
}

// sums[thread][4 j + e]: of row 16 (thread / 32) + thread % 32 / 4 + 8 (e / 2) and column 8 j + 2
// (thread % 4) + e % 2.
void execute(const Block& block, Warpgroup& group, const GroupProduct& product) {
  std::vector<float> a, b;
  read_rows(block, product.a, 64, product.decode, a);
  read_rows(block, product.b, product.width, product.decode, b);
  OwnedSums& owned = group.owned.at(product.sums);
  for (int t = 0; t < kWarpgroup; ++t)
    for (int v = 0; v < owned.count; ++v) {
      const float* row = &a[static_cast<size_t>(t / 32 * 16 + t % 32 / 4 + v % 4 / 2 * 8) * 16];
      const float* column = &b[static_cast<size_t>(v / 4 * 8 + t % 4 * 2 + v % 2) * 16];
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += row[k] * column[k];
      float& value = owned.values[static_cast<size_t>(t) * owned.count + v];
      value = product.add ? value + sum : sum;
    }
}

const GroupProduct& product_at(const Warpgroup& group, size_t place) {
  for (const auto& committed : group.groups) {
    if (place < committed.size()) return committed[place];
    place -= committed.size();
  }
  return group.open.at(place);
}

void execute_until(const Block& block, Warpgroup& group, size_t count) {
  for (; group.executed < count; ++group.executed)
    execute(block, group, product_at(group, group.executed));
}

}  // namespace

int phase_parity(uint64_t barrier) { return unpack(barrier).parity; }

void make_barrier(uint64_t* barrier, int arrivals) {
  shared_offset(block(), barrier, sizeof(*barrier));
  if (reinterpret_cast<uintptr_t>(barrier) % 8)
    throw std::runtime_error("a barrier's address is not a multiple of 8");
  if (arrivals < 1 || arrivals > kMostArrivals)
    throw std::runtime_error("a barrier is made for no threads, or for too many");
  *barrier = pack({0, arrivals, arrivals, 0});
}

void arrive(uint64_t* barrier) { change(barrier, 1, 0); }

void arrive_at(uint64_t* barrier, int rank) {
  const size_t offset = shared_offset(block(), barrier, sizeof(*barrier));
  change(reinterpret_cast<uint64_t*>(peer(block(), rank).shared + offset), 1, 0);
}

void arrive_expecting(uint64_t* barrier, int bytes) { change(barrier, 1, bytes); }

void copy_box(int ranks, void* to_shared, const TensorMap& map, int depth, int row, uint64_t* barrier) {
  Block& from = block();
  const size_t bytes = static_cast<size_t>(map.box_rows) * kBoxRowBytes;
  const size_t to = shared_offset(from, to_shared, bytes);
  const size_t told = shared_offset(from, barrier, sizeof(*barrier));
  if (to % kBoxAlignment) throw std::runtime_error("a box is not copied to a multiple of 1024");
  if (ranks == 0) throw std::runtime_error("a box is copied to no block");
  for (int rank = 0; ranks >> rank != 0; ++rank) {
    if (!(ranks >> rank & 1)) continue;
    peer(from, rank);
    from.cluster->copies.push_back({[=, &from] {
      Block& block = peer(from, rank);
      for (int r = 0; r < map.box_rows; ++r)
        for (int chunk = 0; chunk < kBoxRowBytes / 16; ++chunk) {
          uint16_t values[8] = {};
          for (int c = 0; c < 8; ++c) {
            const int64_t i = int64_t{row} + r, d = int64_t{depth} + chunk * 8 + c;
            if (i >= 0 && i < map.rows && d >= 0 && d < map.depth) values[c] = map.values[i * map.depth + d];
          }
          std::memcpy(block.shared + swizzled(to + static_cast<size_t>(r * kBoxRowBytes + chunk * 16)),
                      values, 16);
        }
      change(reinterpret_cast<uint64_t*>(block.shared + told), 0, -static_cast<int64_t>(bytes));
    }});
  }
}

uint64_t operand(const void* shared) {
  const uint64_t at = shared_offset(block(), shared, 1);
  return at >> 4 | uint64_t{1} << 16 | uint64_t{1024 / 16} << 32 | uint64_t{1} << 62;
}

void start_products() {
  meet_group("start_products", nullptr, [](Warpgroup& group) { group.started = true; });
}

void multiply_group(float (*decode)(uint16_t), int width, float* sums, uint64_t a, uint64_t b, bool add) {
  const Block& home = block();
  struct Asked {
    float* sums;
    uint64_t a, b;
    bool add;
  };
  const Asked asked{sums, a, b, add};
  meet_group("multiply_group", &asked, [&](Warpgroup& group) {
    if (!group.started) throw std::runtime_error("products are not started by a fence");
    const auto of = [&](int t) { return static_cast<const Asked*>(group.argument[t]); };
    OwnedSums& owned = group.owned[of(0)->sums];
    const bool fresh = owned.pending++ == 0;
    if (fresh) {
      owned.count = width / 2;
      owned.values.resize(static_cast<size_t>(kWarpgroup) * owned.count);
    }
    for (int t = 0; t < kWarpgroup; ++t) {
      if (of(t)->a != a || of(t)->b != b || of(t)->add != add || owned.count != width / 2)
        throw std::runtime_error("threads of a warpgroup multiply different operands");
      if (fresh) {
        owned.threads[t] = of(t)->sums;
        std::copy_n(of(t)->sums, owned.count, owned.values.begin() + t * owned.count);
        std::fill_n(of(t)->sums, owned.count, NAN);
      } else if (owned.threads[t] != of(t)->sums) {
        throw std::runtime_error("a thread's sums are elsewhere than in the product before");
      }
    }
    group.open.push_back({width, decode, a, b, add, of(0)->sums});
    size_t all = group.open.size();
    for (const auto& committed : group.groups) all += committed.size();
    if (control().seed != 0 && chance()() % 2) execute_until(home, group, all);
  });
}

void commit_products() {
  meet_group("commit_products", nullptr, [](Warpgroup& group) {
    group.groups.push_back(std::move(group.open));
    group.open.clear();
  });
}

void wait_products(size_t pending) {
  const Block& home = block();
  meet_group("wait_products", nullptr, [&](Warpgroup& group) {
    // Others may still change the operands until now.
    while (group.groups.size() > pending) {
      const size_t count = group.groups.front().size();
      execute_until(home, group, count);
      for (const GroupProduct& product : group.groups.front()) {
        const auto found = group.owned.find(product.sums);
        OwnedSums& owned = found->second;
        if (--owned.pending > 0) continue;
        for (int t = 0; t < kWarpgroup; ++t)
          std::copy_n(owned.values.begin() + t * owned.count, owned.count, owned.threads[t]);
        group.owned.erase(found);
      }
      group.groups.pop_front();
      group.executed -= count;
    }
    if (pending == 0) group.started = false;
  });
}

void set_registers(int count, bool more) {
  constexpr int kAll = 65536 / kWarpgroup;
  if (count % 8 || count < 24 || count > 256)
    throw std::runtime_error("threads have 24 to 256 registers, in multiples of 8");
  HopperBlock& all = hopper(block());
  meet_group(more ? "take_registers" : "give_registers", nullptr, [&](Warpgroup& group) {
    group.registers = count;
    int sum = 0;
    for (const Warpgroup& each : all.groups) sum += each.registers;
    if (sum > kAll) throw std::runtime_error("warpgroups take more registers than there are");
  });
}

void sync_some(int barrier, int threads) {
  NamedBarrier& named = hopper(block()).named[barrier];
  const unsigned seen = named.generation;
  arrive_some(barrier, threads);
  if (named.generation == seen) wait_for(&named.generation, seen);
}

void arrive_some(int barrier, int threads) {
  if (barrier < 1 || barrier >= kNamedBarriers || threads % kWarp || threads < kWarp)
    throw std::runtime_error("named barriers are 1 to 15, for whole warps");
  NamedBarrier& named = hopper(block()).named[barrier];
  if (named.arrived > 0 && named.threads != threads)
    throw std::runtime_error("threads meet at a named barrier for different numbers of them");
  named.threads = threads;
  if (++named.arrived < threads) return;
  named.arrived = 0;
  ++named.generation;
}

void sync_cluster() {
  Cluster& home = *block().cluster;
  const unsigned seen = home.generation;
  if (++home.arrived < home.alive) return wait_for(&home.generation, seen);
  home.arrived = 0;
  ++home.generation;
}

}  // namespace mmkernels::shim
