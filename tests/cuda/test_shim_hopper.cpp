// Barriers, clusters and registers of Hopper on the shim: what they mean, and what is reported.
#include <cstdint>
#include <vector>

#include <device/hopper.cuh>
#include <device/runtime.cuh>

#include "check.hpp"
#include "reported.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::check_reported;

namespace {

constexpr int kRounds = 5;
constexpr size_t kBytes = 256;

ptx::Barrier* barriers() { return reinterpret_cast<ptx::Barrier*>(ptx::shared()); }

void make(int arrivals) {
  if (ptx::thread() == 0) {
    for (int b = 0; b < 2; ++b) ptx::make_barrier(barriers() + b, arrivals);
    ptx::publish_barriers();
  }
  ptx::sync_cluster();
}

// Two warps hand a number to a third, which hands it back, for more rounds than parities tell apart.
void hands_over(int* seen) {
  make(2);
  auto* values = reinterpret_cast<int*>(ptx::shared() + 64);
  const int warp = ptx::thread() / 32;
  if (ptx::thread() % 32 != 0) return;
  for (int round = 0; round < kRounds; ++round) {
    if (warp < 2) {
      ptx::wait_phase(barriers() + 1, round % 2 ^ 1);
      values[warp] = 10 * round + warp;
      ptx::arrive(barriers());
    } else {
      ptx::wait_phase(barriers(), round % 2);
      seen[round] = values[0] + values[1];
      ptx::arrive(barriers() + 1);
      ptx::arrive(barriers() + 1);
    }
  }
}

// Barriers by turns: a block may be a phase ahead of lanes of the other, but not two.
void tells_the_peer(int* seen) {
  make(1);
  const int rank = ptx::cluster_rank();
  for (int round = 0; round < kRounds; ++round) {
    if (ptx::thread() == 0) {
      seen[round * 2 + rank] = round;
      ptx::arrive_at(barriers() + round % 2, 1 - rank);
    }
    ptx::wait_phase(barriers() + round % 2, round / 2 % 2);
    CHECK(seen[round * 2 + 1 - rank] == round);
    ptx::sync_warp();
  }
  ptx::sync_cluster();
}

// Of three warps the last one leaves early.
void meets_in_clusters(int* counts) {
  for (int round = 0; round < kRounds && ptx::thread() < 64; ++round) {
    ptx::atomic_add(counts + round, 1);
    ptx::sync_cluster();
    CHECK(counts[round] == 2 * 64, round, counts[round]);
  }
}

// Warps 0 and 1 wait for one another, warp 2 only comes by and does not wait.
void meets_by_number(int* seen) {
  auto* values = reinterpret_cast<int*>(ptx::shared());
  const int warp = ptx::thread() / 32;
  for (int round = 0; round < kRounds; ++round) {
    if (warp == 2) {
      if (ptx::thread() == 64) *values = round;
      ptx::arrive_some(3, 96);
      ptx::sync_some(4, 96);
    } else {
      ptx::sync_some(3, 96);
      seen[round * 64 + ptx::thread()] = *values;
      ptx::sync_some(4, 96);
    }
  }
}

void comes_by_number(int barrier, int threads, int times) {
  for (int i = 0; i < times; ++i) ptx::arrive_some(barrier, threads);
}

template <class... Parameters, class... Arguments>
void in_block(int threads, void (*kernel)(Parameters...), Arguments... arguments) {
  launch_clusters("kernel", kernel, 1, 1, threads, kBytes, nullptr, arguments...);
}

template <class... Parameters, class... Arguments>
void in_pair(void (*kernel)(Parameters...), Arguments... arguments) {
  launch_clusters("kernel", kernel, 1, 2, 32, kBytes, nullptr, arguments...);
}

}  // namespace

TEST(phases_end_when_all_have_arrived) {
  int seen[kRounds] = {};
  in_block(96, hands_over, seen);
  for (int round = 0; round < kRounds; ++round) CHECK(seen[round] == 20 * round + 1, round);
}

TEST(barriers_of_peers_are_arrived_at) {
  int seen[2 * kRounds];
  std::fill_n(seen, 2 * kRounds, -1);
  in_pair(tells_the_peer, seen);
}

TEST(clusters_meet_without_those_who_left) {
  int counts[kRounds] = {};
  launch_clusters("meets", meets_in_clusters, 1, 2, 96, 0, nullptr, counts);
}

TEST(named_barriers_hold_those_who_wait) {
  std::vector<int> seen(64 * kRounds, -1);
  in_block(96, meets_by_number, seen.data());
  for (size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == static_cast<int>(i) / 64, i);
}

TEST(faults_at_barriers_are_reported) {
  check_reported("was not made one", [] { in_block(32, +[] { ptx::arrive(barriers()); }); });
  check_reported("was not made one", [] { in_block(32, +[] { ptx::wait_phase(barriers(), 0); }); });
  check_reported("written over", [] {
    in_block(32, +[] {
      make(1);
      *barriers() = 5;
      ptx::wait_phase(barriers(), 0);
    });
  });
  check_reported("multiple of 8", [] {
    in_block(32, +[] {
      ptx::make_barrier(reinterpret_cast<ptx::Barrier*>(ptx::shared() + 4), 1);
    });
  });
  for (int arrivals : {0, 1 << 20})
    check_reported("for no threads, or for too many", [=] { in_block(32, make, arrivals); });
  check_reported("not in the block's shared memory", [] {
    in_block(32, +[] { ptx::make_barrier(barriers() + kBytes / 8, 1); });
  });
  check_reported("more threads arrive", [] {
    in_block(32, +[] {
      make(2);
      // Bytes are missing, so that the phase goes on.
      if (ptx::thread() < 2) ptx::arrive_expecting(barriers(), 16);
      ptx::sync_warp();
      ptx::arrive(barriers());
    });
  });
  check_reported("more than 2^20 - 1 bytes", [] {
    in_block(32, +[] {
      make(1);
      if (ptx::thread() == 0) ptx::arrive_expecting(barriers(), 1 << 20);
    });
  });
  check_reported("fewer than no bytes", [] {
    in_block(32, +[] {
      make(32);
      ptx::arrive_expecting(barriers(), -1);
    });
  });
  check_reported("parity of a phase is 0 or 1", [] {
    in_block(32, +[] {
      make(1);
      ptx::wait_phase(barriers(), 2);
    });
  });
  check_reported("wait for one another", [] {
    in_block(32, +[] {
      make(1);
      ptx::wait_phase(barriers(), 0);
    });
  });
}

TEST(threads_that_fall_behind_a_barrier_are_reported) {
  // Hardware would let the thread pass, or hold it for good, by luck.
  for (int phases : {2, 3})
    check_reported("when the next one has ended, too", [=] {
      in_block(
          32,
          +[](int phases) {
            make(1);
            ptx::wait_phase(barriers(), 1);
            ptx::sync_warp();
            for (int i = 0; i < phases && ptx::thread() == 0; ++i) ptx::arrive(barriers());
            ptx::sync_warp();
            ptx::wait_phase(barriers(), 0);
          },
          phases);
    });
}

TEST(faults_in_clusters_are_reported) {
  check_reported("no block of that rank", [] {
    in_pair(+[] {
      make(1);
      ptx::arrive_at(barriers(), 2);
    });
  });
  check_reported("before it is published", [] {
    in_pair(+[] {
      if (ptx::thread() == 0) ptx::make_barrier(barriers(), 32);
      ptx::sync_cluster();
      ptx::arrive_at(barriers(), 1 - ptx::cluster_rank());
      ptx::sync_cluster();
    });
  });
  check_reported("written to that has ended", [] {
    int left = 0;
    in_pair(
        +[](int* left) {
          make(32);
          if (ptx::cluster_rank() == 1) return static_cast<void>(ptx::atomic_add(left, 1));
          while (ptx::any(*left < 32)) ptx::sync_warp();
          ptx::arrive_at(barriers(), 1);
        },
        &left);
  });
  check_reported("wait for one another", [] {
    in_pair(+[] {
      ptx::sync_cluster();
      // All of the other block has still to come.
      if (ptx::cluster_rank() == 0) ptx::sync_cluster();
      if (ptx::cluster_rank() == 1) ptx::sync_some(1, 64);
    });
  });
}

TEST(faults_at_named_barriers_are_reported) {
  for (int barrier : {0, 16})
    check_reported("1 to 15", [=] { in_block(32, comes_by_number, barrier, 32, 1); });
  check_reported("whole warps", [] { in_block(32, comes_by_number, 1, 33, 1); });
  check_reported("again before all have come", [] { in_block(32, comes_by_number, 1, 64, 2); });
  check_reported("different numbers", [] {
    in_block(64, +[] { ptx::arrive_some(1, ptx::thread() < 32 ? 96 : 64); });
  });
  check_reported("wait for one another", [] { in_block(32, +[] { ptx::sync_some(1, 64); }); });
}

TEST(registers_pass_from_warpgroup_to_warpgroup) {
  // 168 for each of 384 threads: 24 + 2 * 240.
  in_block(384, +[] {
    if (ptx::thread() < 128)
      ptx::give_registers<24>();
    else
      ptx::take_registers<240>();
  });
  check_reported("wait for one another", [] {
    in_block(384, +[] {
      if (ptx::thread() < 128)
        ptx::give_registers<32>();
      else
        ptx::take_registers<240>();
    });
  });
  check_reported("24 to 256", [] { in_block(128, +[] { ptx::give_registers<16>(); }); });
  check_reported("multiples of 8", [] { in_block(128, +[] { ptx::give_registers<100>(); }); });
  check_reported("fewer registers are taken", [] {
    in_block(384, +[] { ptx::take_registers<160>(); });
  });
  check_reported("more registers are given", [] {
    in_block(384, +[] { ptx::give_registers<176>(); });
  });
  check_reported("different numbers of registers", [] {
    in_block(384, +[] {
      if (ptx::thread() < 32)
        ptx::give_registers<40>();
      else
        ptx::give_registers<24>();
    });
  });
  check_reported("128 threads", [] { in_block(96, +[] { ptx::give_registers<24>(); }); });
}
