// Copies of boxes on the shim: what lies where, when it comes, and what is reported.
#include <cstdint>
#include <cstring>
#include <vector>

#include <device/hopper.cuh>
#include <device/runtime.cuh>

#include "check.hpp"
#include "reported.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::check_reported;

namespace {

constexpr int kRows = 40, kDepth = 72, kBox = 24;
constexpr int kBoxBytes = kBox * kBoxDepth * 2;
constexpr uint16_t kNothing = 0xffff;  // what shared memory begins as

struct Copies {
  TensorMap map;
  int depth, row, at, ranks, announced;
  bool announced_first;
  uint16_t* found;  // [rank][box row][depth], put in order
};

ptx::Barrier* barrier() { return reinterpret_cast<ptx::Barrier*>(ptx::shared() + 4096); }

void make_barrier() {
  if (ptx::thread() == 0) {
    ptx::make_barrier(barrier(), 1);
    ptx::publish_barriers();
  }
  ptx::sync_cluster();
}

// Chunks of 16 bytes are exchanged within each row of 128, as the manual shows for 128 bytes.
uint16_t at(const uint8_t* box, int row, int depth) {
  const int chunk = depth / 8 ^ row % 8;
  uint16_t value;
  std::memcpy(&value, box + row * 128 + chunk * 16 + depth % 8 * 2, 2);
  return value;
}

// The last block asks for all, each waits for its own.
void copies(const Copies copies) {
  make_barrier();
  if (ptx::thread() == 0) {
    const auto ask = [&] {
      if (ptx::cluster_rank() == ptx::cluster_blocks() - 1)
        ptx::copy_box_to(copies.ranks, ptx::shared() + copies.at, copies.map, copies.depth,
                         copies.row, barrier());
    };
    if (!copies.announced_first) ask();
    ptx::arrive_expecting(barrier(), copies.announced);
    if (copies.announced_first) ask();
  }
  ptx::wait_phase(barrier(), 0);
  if (ptx::thread() == 0)
    for (int r = 0; r < kBox; ++r)
      for (int d = 0; d < kBoxDepth; ++d)
        copies.found[(ptx::cluster_rank() * kBox + r) * kBoxDepth + d] = at(ptx::shared(), r, d);
  ptx::sync_cluster();
}

struct Array {
  alignas(16) uint16_t values[kRows * kDepth];
  Array() {
    for (int i = 0; i < kRows * kDepth; ++i) values[i] = static_cast<uint16_t>(i + 1);
  }
};

const Array& array() {
  static const Array one;
  return one;
}

Copies at_place(int row, int depth, uint16_t* found) {
  const TensorMap map = make_tensor_map(array().values, kRows, kDepth, kBox);
  return {map, depth, row, 0, 1, kBoxBytes, true, found};
}

void run(const Copies& wanted, int blocks = 1) {
  launch_clusters("copies", copies, 1, blocks, 32, 4096 + 64, nullptr, wanted);
}

void check_box(const uint16_t* found, int row, int depth) {
  for (int r = 0; r < kBox; ++r)
    for (int d = 0; d < kBoxDepth; ++d) {
      const int i = row + r, j = depth + d;
      const bool there = i >= 0 && i < kRows && j >= 0 && j < kDepth;
      CHECK(found[r * kBoxDepth + d] == (there ? i * kDepth + j + 1 : 0), row, depth, r, d);
    }
}

}  // namespace

TEST(boxes_are_swizzled_and_zero_beyond_the_array) {
  for (int row : {0, 5, kRows - 3, -2, kRows})
    for (int depth : {0, 8, 3, -8, 64})
      for (bool announced_first : {false, true}) {
        std::vector<uint16_t> found(kBox * kBoxDepth);
        Copies wanted = at_place(row, depth, found.data());
        wanted.announced_first = announced_first;
        run(wanted);
        check_box(found.data(), row, depth);
      }
}

TEST(boxes_go_to_the_blocks_that_are_named) {
  std::vector<uint16_t> found(2 * kBox * kBoxDepth);
  Copies wanted = at_place(7, 0, found.data());
  wanted.ranks = 3;
  run(wanted, 2);
  check_box(found.data(), 7, 0);
  check_box(found.data() + kBox * kBoxDepth, 7, 0);
  wanted.ranks = 2;
  check_reported("wait for one another", [&] { run(wanted, 2); });
  wanted.ranks = 1;
  check_reported("wait for one another", [&] { run(wanted, 2); });
}

TEST(boxes_come_in_parts_in_any_order) {
  const uint64_t seed = shim::control().seed;
  int first_alone = 0, last_alone = 0, gone = 0;
  struct Counts {
    int *first_alone, *last_alone, *gone;
  };
  for (uint64_t run = 0; run < 40; ++run) {
    shim::control().seed = seed ? 40 * seed + run : 0;
    launch_clusters(
        "parts",
        +[](const TensorMap map, const Counts counts) {
          make_barrier();
          for (int i = kBoxBytes / 2; ptx::thread() == 0 && i > 0; --i)
            reinterpret_cast<uint16_t*>(ptx::shared())[i - 1] = 1;
          if (ptx::thread() == 0) {
            ptx::arrive_expecting(barrier(), kBoxBytes);
            ptx::copy_box(ptx::shared(), map, 0, 5, barrier());
            if (at(ptx::shared(), 0, 0) == kNothing) ++*counts.gone;
          }
          for (int turn = 0; turn < 40; ++turn) {
            const auto there = [](uint16_t value) { return value != kNothing && value != 1; };
            const bool first = there(at(ptx::shared(), 0, 0));
            const bool last = there(at(ptx::shared(), kBox - 1, 0));
            if (ptx::thread() == 0) *counts.first_alone += first && !last;
            if (ptx::thread() == 0) *counts.last_alone += last && !first;
            ptx::sync_warp();
          }
          ptx::wait_phase(barrier(), 0);
        },
        1, 1, 32, 4096 + 64, nullptr, make_tensor_map(array().values, kRows, kDepth, kBox),
        Counts{&first_alone, &last_alone, &gone});
  }
  CHECK((first_alone > 0) == (seed != 0), first_alone);
  CHECK((last_alone > 0) == (seed != 0), last_alone);
  CHECK((gone > 0) == (seed != 0) && gone < 40, gone);
}

TEST(faults_of_copies_are_reported) {
  std::vector<uint16_t> found(2 * kBox * kBoxDepth);
  const Copies good = at_place(0, 0, found.data());
  const auto check = [&](const char* words, auto&& change) {
    Copies bad = good;
    change(bad);
    check_reported(words, [&] { run(bad); });
  };
  check("multiple of 1024", [](Copies& bad) { bad.at = 128; });
  check("not in the block's shared memory", [](Copies& bad) { bad.at = 2048; });
  check("copied to no block", [](Copies& bad) { bad.ranks = 0; });
  check("no block of that rank", [](Copies& bad) { bad.ranks = 2; });
  check("wait for one another", [](Copies& bad) { bad.announced = kBoxBytes + 128; });
  check_reported("still being copied to", [&] {
    launch_clusters(
        "overlaps",
        +[](const TensorMap map) {
          make_barrier();
          if (ptx::thread() == 0) ptx::copy_box(ptx::shared(), map, 0, 0, barrier());
          if (ptx::thread() == 0) ptx::copy_box(ptx::shared(), map, 0, 8, barrier());
        },
        1, 1, 32, 4096 + 64, nullptr, good.map);
  });
  check_reported("ends while boxes are copied to it", [&] {
    launch_clusters(
        "leaves",
        +[](const TensorMap map) {
          make_barrier();
          if (ptx::thread() == 0) ptx::copy_box(ptx::shared(), map, 0, 0, barrier());
        },
        1, 1, 32, 4096 + 64, nullptr, good.map);
  });
  check_reported("before it is published", [&] {
    launch_clusters(
        "unpublished",
        +[](const TensorMap map) {
          if (ptx::thread() == 0) {
            ptx::make_barrier(barrier(), 1);
            ptx::copy_box(ptx::shared(), map, 0, 0, barrier());
          }
        },
        1, 1, 32, 4096 + 64, nullptr, good.map);
  });
}

TEST(arrays_that_the_copy_engine_cannot_read_are_reported) {
  const uint16_t* values = array().values;
  check_reported("cannot read", [=] { make_tensor_map(values + 1, 8, 64, 8); });
  check_reported("cannot read", [=] { make_tensor_map(values, 8, 60, 8); });
  check_reported("cannot read", [=] { make_tensor_map(values, 0, 64, 8); });
  check_reported("cannot read", [=] { make_tensor_map(values, 8, 0, 8); });
  check_reported("cannot read", [=] { make_tensor_map(values, 8, 64, 257); });
  check_reported("cannot read", [=] { make_tensor_map(values, 8, 64, 0); });
}
