// The functions of a warp on the shim, against what is said of the instructions they stand for.
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <device/ptx.cuh>
#include <device/runtime.cuh>

#include "check.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;

namespace {

constexpr int kLanes = 32;

struct Votes {
  int* shuffled;
  int* exchanged;
  uint32_t* ballots;
  int* any_of_none;
  int* any_of_one;
};

__global__ void vote(Votes votes) {
  const int thread = ptx::thread(), lane = thread % kLanes;
  votes.shuffled[thread] = ptx::shuffle(100 + thread, (lane * 5 + 3) % kLanes);
  votes.exchanged[thread] = ptx::shuffle_xor(100 + thread, 9);
  votes.ballots[thread] = ptx::ballot(thread % 3 == 0);
  votes.any_of_none[thread] = ptx::any(false);
  votes.any_of_one[thread] = ptx::any(thread == 45);
}

// Matrix m of the four, element (row, column), is its place in the order of memory.
__global__ void load(uint32_t* loaded) {
  auto* matrices = reinterpret_cast<uint16_t*>(ptx::shared());
  const int lane = ptx::thread();
  for (int e = lane; e < 4 * 64; e += kLanes) matrices[e] = static_cast<uint16_t>(e);
  ptx::sync_warp();
  uint32_t values[4];
  ptx::load_matrices(values, matrices + lane * 8);
  for (int m = 0; m < 4; ++m) loaded[lane * 4 + m] = values[m];
}

struct Fragments {
  const uint32_t* a;  // [lane][4]
  const uint32_t* b;  // [lane][2]
  float* sums;        // [lane][4]
};

template <class Element>
__global__ void multiply(Fragments fragments) {
  const int lane = ptx::thread();
  uint32_t a[4];
  float sums[4];
  for (int i = 0; i < 4; ++i) a[i] = fragments.a[lane * 4 + i];
  for (int i = 0; i < 4; ++i) sums[i] = fragments.sums[lane * 4 + i];
  ptx::multiply_add<Element>(sums, a, fragments.b[lane * 2], fragments.b[lane * 2 + 1]);
  for (int i = 0; i < 4; ++i) fragments.sums[lane * 4 + i] = sums[i];
}

// The layouts of mma.m16n8k16, from the manual of PTX: of a group of four lanes and a lane in it.
template <class Element>
void check_products(uint16_t (*bits)(float)) {
  std::mt19937 generator(5);
  std::uniform_int_distribution<int> integers(-8, 8);
  float a[16][16], b[16][8], c[16][8];
  for (auto& row : a)
    for (float& value : row) value = static_cast<float>(integers(generator));
  for (auto& row : b)
    for (float& value : row) value = static_cast<float>(integers(generator));
  for (auto& row : c)
    for (float& value : row) value = static_cast<float>(integers(generator));
  const auto pair = [&](float low, float high) { return uint32_t{bits(high)} << 16 | bits(low); };

  std::vector<uint32_t> of_a, of_b;
  std::vector<float> sums;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int group = lane / 4, within = lane % 4;
    for (int k : {0, 8})
      for (int row : {0, 8})
        of_a.push_back(pair(a[row + group][k + 2 * within], a[row + group][k + 2 * within + 1]));
    for (int k : {0, 8})
      of_b.push_back(pair(b[k + 2 * within][group], b[k + 2 * within + 1][group]));
    for (int row : {0, 8})
      for (int e : {0, 1}) sums.push_back(c[row + group][2 * within + e]);
  }
  launch("multiply", multiply<Element>, 1, kLanes, 0, nullptr,
         Fragments{of_a.data(), of_b.data(), sums.data()});
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      float wanted = c[row][column];
      for (int k = 0; k < 16; ++k) wanted += a[row][k] * b[k][column];
      CHECK(sums[lane * 4 + i] == wanted, row, column);
    }
}

__global__ void count(uint64_t* total, int* largest, int* smallest, int* bits) {
  const int thread = static_cast<int>(ptx::block()) * ptx::threads() + ptx::thread();
  ptx::atomic_add(total, static_cast<uint64_t>(thread));
  ptx::atomic_max(largest, thread);
  ptx::atomic_min(smallest, -thread);
  ptx::atomic_or(bits, 1 << thread % 30);
}

}  // namespace

TEST(lanes_vote_and_exchange) {
  constexpr int threads = 2 * kLanes;
  std::vector<int> shuffled(threads), exchanged(threads), none(threads), one(threads);
  std::vector<uint32_t> ballots(threads);
  launch("vote", vote, 1, threads, 0, nullptr,
         Votes{shuffled.data(), exchanged.data(), ballots.data(), none.data(), one.data()});
  for (int t = 0; t < threads; ++t) {
    const int first = t / kLanes * kLanes, lane = t % kLanes;
    CHECK(shuffled[t] == 100 + first + (lane * 5 + 3) % kLanes, t);
    CHECK(exchanged[t] == 100 + (t ^ 9), t);
    uint32_t wanted = 0;
    for (int l = 0; l < kLanes; ++l) wanted |= uint32_t{(first + l) % 3 == 0} << l;
    CHECK(ballots[t] == wanted, t);
    CHECK(none[t] == 0 && one[t] == (first == kLanes), t);
  }
  CHECK(ptx::count_bits(0xf0f) == 8 && ptx::lowest_bit(uint32_t{0x30}) == 4);
}

TEST(matrices_are_loaded_as_the_manual_says) {
  std::vector<uint32_t> loaded(kLanes * 4);
  launch("load", load, 1, kLanes, 4 * 64 * 2, nullptr, loaded.data());
  for (int lane = 0; lane < kLanes; ++lane)
    for (int m = 0; m < 4; ++m) {
      const uint32_t first = static_cast<uint32_t>(m * 64 + lane / 4 * 8 + lane % 4 * 2);
      CHECK(loaded[lane * 4 + m] == (first | (first + 1) << 16), lane, m);
    }
}

TEST(fragments_are_multiplied_as_the_manual_says) {
  check_products<ptx::Half>(ptx::to_half);
  check_products<ptx::Bfloat16>(ptx::to_bfloat16);
}

TEST(atomic_functions_count_every_thread) {
  uint64_t total = 0;
  int largest = 0, smallest = 0, bits = 0;
  launch("count", count, 3, 64, 0, nullptr, &total, &largest, &smallest, &bits);
  CHECK(total == 192 * 191 / 2);
  CHECK(largest == 191 && smallest == -191 && bits == (1 << 30) - 1);
}
