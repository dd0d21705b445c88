// Products of warpgroups on the shim: fragments, groups under way, and what is reported.
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <device/hopper.cuh>
#include <device/runtime.cuh>

#include "check.hpp"
#include "reported.hpp"

using namespace mmkernels;
using namespace mmkernels::cuda;
using testing::check_reported;

namespace {

constexpr int kRows = 64, kColumnsAt = kRows * 128, kBarrierAt = kColumnsAt + 256 * 128;
constexpr size_t kBytes = kBarrierAt + 64;

struct Operands {
  TensorMap rows, columns;
  float* sums;  // [thread][count]
};

ptx::Barrier* barrier() { return reinterpret_cast<ptx::Barrier*>(ptx::shared() + kBarrierAt); }
uint64_t row_operand(int k) { return ptx::operand(ptx::shared() + k * 32); }
uint64_t column_operand(int k) { return ptx::operand(ptx::shared() + kColumnsAt + k * 32); }

void ask_for_operands(const Operands& operands) {
  if (ptx::thread() == 0) {
    ptx::make_barrier(barrier(), 1);
    ptx::publish_barriers();
    ptx::arrive_expecting(barrier(), (kRows + operands.columns.box_rows) * 128);
    ptx::copy_box(ptx::shared(), operands.rows, 0, 0, barrier());
    ptx::copy_box(ptx::shared() + kColumnsAt, operands.columns, 0, 0, barrier());
  }
  ptx::sync_threads();
}

void fetch(const Operands& operands) {
  ask_for_operands(operands);
  ptx::wait_phase(barrier(), 0);
}

// Adds to 7 and writes over 7, each of four steps.
template <class Element, int count>
void multiply(const Operands operands) {
  fetch(operands);
  float added[count], fresh[count];
  for (int v = 0; v < count; ++v) added[v] = fresh[v] = 7;
  ptx::start_products(added);
  for (int k = 0; k < 4; ++k)
    ptx::multiply_group<Element>(added, row_operand(k), column_operand(k), 1);
  ptx::commit_products();
  for (int k = 0; k < 4; ++k)
    ptx::multiply_group<Element>(fresh, row_operand(k), column_operand(k), k);
  ptx::commit_products();
  CHECK(std::isnan(added[0]) && std::isnan(fresh[count - 1]));
  ptx::wait_products<1>(added);
  CHECK(!std::isnan(added[0]) && std::isnan(fresh[count - 1]));
  ptx::wait_products<0>(fresh);
  for (int v = 0; v < count; ++v) {
    CHECK(added[v] == fresh[v] + 7);
    operands.sums[ptx::thread() * count + v] = fresh[v];
  }
}

// Numbers that float32 adds exactly, in arrays that are read to their ends.
struct Numbers {
  std::vector<uint16_t> bits;
  std::vector<int> values;
  int count;

  Numbers(int count, uint16_t (*to_bits)(float), unsigned seed) : count(count) {
    std::mt19937 generator(seed);
    for (int i = 0; i < count * kBoxDepth; ++i) {
      values.push_back(static_cast<int>(generator() % 17) - 8);
      bits.push_back(to_bits(static_cast<float>(values.back())));
    }
  }
  TensorMap map() const { return make_tensor_map(bits.data(), count, kBoxDepth, count); }
};

template <class Element, int count>
void check_products(uint16_t (*to_bits)(float)) {
  const Numbers rows(kRows, to_bits, 1), columns(2 * count, to_bits, 2);
  std::vector<float> sums(128 * count);
  launch_clusters("multiply", multiply<Element, count>, 1, 1, 128, kBytes, nullptr,
                  Operands{rows.map(), columns.map(), sums.data()});
  // The fragment of D of wgmma.m64nNk16, from the manual of PTX.
  for (int t = 0; t < 128; ++t)
    for (int v = 0; v < count; ++v) {
      const int warp = t / 32, group = t % 32 / 4, within = t % 4;
      const int row = 16 * warp + group + (v % 4 < 2 ? 0 : 8);
      const int column = v / 4 * 8 + within * 2 + v % 2;
      int wanted = 0;
      for (int d = 0; d < kBoxDepth; ++d)
        wanted += rows.values[row * kBoxDepth + d] * columns.values[column * kBoxDepth + d];
      CHECK(sums[t * count + v] == wanted, count, t, v);
    }
}

template <class Element>
void check_widths(uint16_t (*to_bits)(float)) {
  check_products<Element, 32>(to_bits);
  check_products<Element, 48>(to_bits);
  check_products<Element, 64>(to_bits);
  check_products<Element, 96>(to_bits);
  check_products<Element, 128>(to_bits);
}

// With operands of 64 rows and columns: what a kernel does wrong.
void check_fault(const char* words, void (*kernel)(Operands), int threads = 128) {
  const Numbers numbers(kRows, ptx::to_half, 1);
  check_reported(words, [&] {
    launch_clusters("faulty", kernel, 1, 1, threads, kBytes, nullptr,
                    Operands{numbers.map(), numbers.map(), nullptr});
  });
}

void multiply_once(float (&sums)[32]) {
  ptx::start_products(sums);
  ptx::multiply_group<ptx::Half>(sums, row_operand(0), column_operand(0), 0);
  ptx::commit_products();
}

}  // namespace

TEST(warpgroups_multiply_as_the_manual_says) {
  check_widths<ptx::Half>(ptx::to_half);
  check_widths<ptx::Bfloat16>(ptx::to_bfloat16);
}

TEST(warps_of_a_warpgroup_go_their_own_ways) {
  const Numbers numbers(kRows, ptx::to_half, 1);
  int told = 0;
  launch_clusters(
      "apart",
      +[](const Operands operands, int* told) {
        fetch(operands);
        const bool late = ptx::thread() >= 96;
        while (late && ptx::any(*told < 96)) ptx::sync_warp();
        float sums[32];
        multiply_once(sums);
        ptx::atomic_add(told, 1);
        ptx::wait_products<0>(sums);
      },
      1, 1, 128, kBytes, nullptr, Operands{numbers.map(), numbers.map(), nullptr}, &told);
  CHECK(told == 128);
}

TEST(products_without_a_fence_are_reported) {
  check_fault("not started by a fence", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    ptx::multiply_group<ptx::Half>(sums, row_operand(0), column_operand(0), 0);
  });
  check_fault("not started by a fence", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    multiply_once(sums);
    ptx::wait_products<0>(sums);
    sums[0] = 1;
    ptx::multiply_group<ptx::Half>(sums, row_operand(0), column_operand(0), 1);
  });
}

TEST(faults_of_sums_are_reported) {
  check_fault("written to while products", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    multiply_once(sums);
    sums[5] = 0;
    ptx::wait_products<0>(sums);
  });
  check_fault("elsewhere than in the product before", +[](const Operands operands) {
    fetch(operands);
    float sums[2][32];
    multiply_once(sums[0]);
    float(&other)[32] = sums[ptx::thread() % 32 == 5];
    ptx::multiply_group<ptx::Half>(other, row_operand(1), column_operand(1), 1);
  });
  check_fault("different widths", +[](const Operands operands) {
    fetch(operands);
    float sums[48];
    ptx::start_products(sums);
    ptx::multiply_group<ptx::Half>(sums, row_operand(0), column_operand(0), 0);
    ptx::multiply_group<ptx::Half>(reinterpret_cast<float(&)[32]>(sums), row_operand(1),
                                   column_operand(1), 1);
  });
  check_fault("ends while products", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    multiply_once(sums);
  });
}

TEST(faults_of_warpgroups_are_reported) {
  // A lane and a warp that differ.
  check_fault("multiply different operands", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    ptx::start_products(sums);
    ptx::multiply_group<ptx::Half>(sums, row_operand(ptx::thread() == 7), column_operand(0), 0);
  });
  check_fault("multiply different operands", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    ptx::start_products(sums);
    ptx::multiply_group<ptx::Half>(sums, row_operand(0), column_operand(0), ptx::thread() >= 96);
  });
  check_fault("128 threads", +[](const Operands) {
    float sums[32];
    multiply_once(sums);
  }, 96);
  check_fault("wait for one another", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    if (ptx::thread() >= 96) return;
    multiply_once(sums);
    ptx::wait_products<0>(sums);
  });
}

TEST(faults_of_operands_are_reported) {
  const auto with = [](uint64_t rows) {
    float sums[32];
    ptx::start_products(sums);
    ptx::multiply_group<ptx::Half>(sums, rows, column_operand(0), 0);
  };
  static constexpr auto multiply_rows = with;
  check_fault("start at a multiple of 1024", +[](const Operands operands) {
    fetch(operands);
    multiply_rows(ptx::operand(ptx::shared() + 128));
  });
  check_fault("beyond the block's shared memory", +[](const Operands operands) {
    fetch(operands);
    multiply_rows(ptx::operand(ptx::shared() + kBarrierAt));
  });
  check_fault("not in the block's shared memory", +[](const Operands operands) {
    fetch(operands);
    multiply_rows(ptx::operand(ptx::shared() + kBytes));
  });
  check_fault("not swizzled by 128 bytes", +[](const Operands operands) {
    fetch(operands);
    multiply_rows(row_operand(0) & ~(uint64_t{3} << 62));
  });
  check_fault("eight rows of an operand", +[](const Operands operands) {
    fetch(operands);
    multiply_rows(row_operand(0) + (uint64_t{1} << 32));
  });
}

TEST(operands_that_come_or_go_too_early_are_reported) {
  check_fault("still being copied to", +[](const Operands operands) {
    ask_for_operands(operands);
    float sums[32];
    multiply_once(sums);
    ptx::wait_products<0>(sums);
  });
  check_fault("over what products under way read", +[](const Operands operands) {
    fetch(operands);
    float sums[32];
    multiply_once(sums);
    ptx::sync_threads();
    if (ptx::thread() == 0) ptx::copy_box(ptx::shared(), operands.rows, 0, 0, barrier());
    ptx::sync_threads();
    ptx::wait_products<0>(sums);
  });
}
