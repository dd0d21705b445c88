#include <cmath>

#include "hopper.hpp"

namespace mmkernels::shim {
namespace {

// The word of a barrier: what is neither made nor any more one is told from it by its mark.
constexpr uint64_t kMark = 0xb5;
constexpr int64_t kMostBytes = (1 << 20) - 1;  // that a phase may expect
constexpr int kMostArrivals = (1 << 11) - 1;
constexpr int kPhases = 1 << 12;  // that are told apart, to see which threads are behind
struct BarrierState {
  int phase, arrivals, pending;
  int64_t bytes;  // announced and not yet there; fewer than 0 where bytes came first
};

BarrierState unpack(uint64_t word) {
  if (word >> 56 != kMark)
    throw std::runtime_error("what is used as a barrier was not made one, or was written over");
  return {static_cast<int>(word & (kPhases - 1)), static_cast<int>(word >> 12 & kMostArrivals),
          static_cast<int>(word >> 23 & kMostArrivals),
          static_cast<int64_t>(word >> 34 & ((1u << 22) - 1)) - (1 << 21)};
}

uint64_t pack(const BarrierState& state) {
  return kMark << 56 | static_cast<uint64_t>(state.bytes + (1 << 21)) << 34 |
         static_cast<uint64_t>(state.pending) << 23 | static_cast<uint64_t>(state.arrivals) << 12 |
         static_cast<uint64_t>(state.phase);
}

void change(uint64_t* barrier, int arrivals, int64_t bytes) {
  BarrierState state = unpack(*barrier);
  if (state.pending < arrivals)
    throw std::runtime_error("more threads arrive than a barrier is made for");
  state.pending -= arrivals;
  state.bytes += bytes;
  if (std::abs(state.bytes) > kMostBytes)
    throw std::runtime_error("a barrier is to count more than 2^20 - 1 bytes");
  if (state.pending == 0 && state.bytes == 0) {
    state.phase = (state.phase + 1) % kPhases;
    state.pending = state.arrivals;
  }
  *barrier = pack(state);
}

// The parity tells only whether the last phase is over.
void require_near(int phase, int wanted) {
  const int ahead = (phase - wanted + kPhases) % kPhases;
  if (ahead > 1 && ahead < kPhases / 2)
    throw std::runtime_error("a thread waits for a phase when the next one has ended, too");
}

}  // namespace

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

int phase_parity(uint64_t barrier) { return unpack(barrier).phase & 1; }

void make_barrier(uint64_t* barrier, int arrivals) {
  shared_offset(block(), barrier, sizeof(*barrier));
  if (reinterpret_cast<uintptr_t>(barrier) % 8)
    throw std::runtime_error("a barrier's address is not a multiple of 8");
  if (arrivals < 1 || arrivals > kMostArrivals)
    throw std::runtime_error("a barrier is made for no threads, or for too many");
  *barrier = pack({0, arrivals, arrivals, 0});
  HopperBlock& home = hopper(block());
  home.unpublished[barrier] = fiber().thread;
  home.waited[barrier].assign(block().fibers.size(), -1);
}

void publish_barriers() {
  std::erase_if(hopper(block()).unpublished,
                [](const auto& each) { return each.second == fiber().thread; });
}

void require_published(Block& block, const uint64_t* barrier) {
  if (hopper(block).unpublished.contains(barrier))
    throw std::runtime_error("a barrier is used from elsewhere before it is published");
}

void arrive(uint64_t* barrier) {
  shared_offset(block(), barrier, sizeof(*barrier));
  change(barrier, 1, 0);
}

void arrive_at(uint64_t* barrier, int rank) {
  const size_t offset = shared_offset(block(), barrier, sizeof(*barrier));
  Block& other = peer(block(), rank);
  auto* there = reinterpret_cast<uint64_t*>(other.shared + offset);
  require_published(other, there);
  change(there, 1, 0);
}

void arrive_expecting(uint64_t* barrier, int bytes) {
  shared_offset(block(), barrier, sizeof(*barrier));
  if (bytes < 0) throw std::runtime_error("fewer than no bytes are announced");
  change(barrier, 1, bytes);
}

void bytes_arrived(uint64_t* barrier, int64_t bytes) { change(barrier, 0, -bytes); }

void wait_phase(uint64_t* barrier, int parity) {
  shared_offset(block(), barrier, sizeof(*barrier));
  if (parity != 0 && parity != 1) throw std::runtime_error("the parity of a phase is 0 or 1");
  const int phase = unpack(*barrier).phase;
  int& last = hopper(block()).waited.at(barrier)[fiber().thread];
  // The same phase again, or the next; at first the one before the barrier was made, too.
  const int next = last < 0 ? phase + kPhases - ((phase & 1) != parity)
                            : last + ((last & 1) != parity);
  const int wanted = next % kPhases;
  require_near(phase, wanted);
  wait_for_phase(barrier, parity);
  require_near(unpack(*barrier).phase, wanted);
  last = wanted;
}

void sync_some(int barrier, int threads) {
  arrive_some(barrier, threads);
  // The last one to come has ended the generation, and sees nobody.
  const NamedBarrier& named = hopper(block()).named[barrier];
  if (named.came[fiber().thread]) wait_for(&named.generation, named.generation);
}

void arrive_some(int barrier, int threads) {
  if (barrier < 1 || barrier >= kNamedBarriers || threads % kWarp || threads < kWarp)
    throw std::runtime_error("named barriers are 1 to 15, for whole warps");
  NamedBarrier& named = hopper(block()).named[barrier];
  if (named.arrived > 0 && named.threads != threads)
    throw std::runtime_error("threads meet at a named barrier for different numbers of them");
  if (named.came[fiber().thread])
    throw std::runtime_error("a thread comes to a named barrier again before all have come");
  named.threads = threads;
  named.came.set(fiber().thread);
  if (++named.arrived < threads) return;
  named.arrived = 0;
  named.came.reset();
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
