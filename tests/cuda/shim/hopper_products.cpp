#include <bit>

#include "hopper.hpp"

namespace mmkernels::shim {
namespace {

// Not a number, and none that arithmetic makes: sums that are under way, and were not written to.
const float kUnderWay = std::bit_cast<float>(0xffc5a5a5u);

int warp_of_group() { return fiber().thread / kWarp % kGroupWarps; }

Warpgroup& warpgroup() {
  const size_t group = fiber().thread / kWarpgroup;
  if ((group + 1) * kWarpgroup > block().fibers.size())
    throw std::runtime_error("a warpgroup has 128 threads");
  return hopper(block()).groups[group];
}

size_t first_byte(uint64_t operand) { return (operand & 0x3fff) << 4; }

// The rows of 128 bytes in which an operand lies.
std::pair<size_t, size_t> bytes_of(uint64_t operand, int rows) {
  const size_t begin = first_byte(operand) / kBoxRowBytes * kBoxRowBytes;
  return {begin, begin + static_cast<size_t>(rows) * kBoxRowBytes};
}

void check_operand(const Block& block, uint64_t operand, int rows) {
  if (operand >> 62 != 1) throw std::runtime_error("an operand is not swizzled by 128 bytes");
  if ((operand >> 32 & 0x3fff) << 4 != 1024)
    throw std::runtime_error("eight rows of an operand are not 1024 bytes");
  if ((first_byte(operand) & ~size_t{0x60}) % kBoxAlignment)
    throw std::runtime_error("an operand does not start at a multiple of 1024");
  const auto [begin, end] = bytes_of(operand, rows);
  if (end > block.shared_bytes)
    throw std::runtime_error("an operand reaches beyond the block's shared memory");
  require_copied(block, begin, end);
}

void read_rows(const Block& block, uint64_t operand, int rows, float (*decode)(uint16_t),
               std::vector<float>& out) {
  out.resize(static_cast<size_t>(rows) * 16);
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < 16; ++k) {
      const size_t row = first_byte(operand) + static_cast<size_t>(r) * kBoxRowBytes;
      const size_t at = swizzled(row + k * 2);
      uint16_t bits;
      std::memcpy(&bits, block.shared + at, 2);
      out[static_cast<size_t>(r) * 16 + k] = decode(bits);
    }
}

// sums[thread][4 j + e]: of row 16 (thread / 32) + thread % 32 / 4 + 8 (e / 2) and column 8 j + 2
// (thread % 4) + e % 2.
void execute(const Block& block, Warpgroup& group, const GroupProduct& product) {
  std::vector<float> a, b;
  read_rows(block, product.a, kWarpgroup / 2, product.decode, a);
  read_rows(block, product.b, product.width, product.decode, b);
  for (int t = 0; t < kWarpgroup; ++t) {
    OwnedSums& owned = group.warps[t / kWarp].owned.at(product.sums[t / kWarp]);
    for (int v = 0; v < owned.count; ++v) {
      const float* row = &a[static_cast<size_t>(t / 32 * 16 + t % 32 / 4 + v % 4 / 2 * 8) * 16];
      const float* column = &b[static_cast<size_t>(v / 4 * 8 + t % 4 * 2 + v % 2) * 16];
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += row[k] * column[k];
      float& value = owned.values[static_cast<size_t>(t % kWarp) * owned.count + v];
      value = product.add ? value + sum : sum;
    }
  }
}

void execute_until(const Block& block, Warpgroup& group, size_t count) {
  for (; group.executed < count; ++group.executed)
    execute(block, group, group.products[group.executed - group.gone]);
}

void give_back(OwnedSums& owned) {
  for (int l = 0; l < kWarp; ++l)
    for (int v = 0; v < owned.count; ++v) {
      float& sum = owned.lanes[l][v];
      if (std::bit_cast<uint32_t>(sum) != std::bit_cast<uint32_t>(kUnderWay))
        throw std::runtime_error("sums are written to while products on them are under way");
      sum = owned.values[static_cast<size_t>(l) * owned.count + v];
    }
}

struct Asked {
  float* sums;
  uint64_t a, b;
  bool add;
};

void own_sums(GroupWarp& mine, const Warp& warp, int width) {
  const auto of = [&](int l) { return static_cast<const Asked*>(warp.argument[l][0]); };
  OwnedSums& owned = mine.owned[of(0)->sums];
  const bool fresh = owned.pending++ == 0;
  if (fresh && !mine.started) throw std::runtime_error("products are not started by a fence");
  if (fresh) {
    owned.count = width / 2;
    owned.values.resize(static_cast<size_t>(kWarp) * owned.count);
  }
  if (owned.count != width / 2)
    throw std::runtime_error("products of different widths on the same sums");
  for (int l = 0; l < kWarp; ++l) {
    if (fresh) {
      owned.lanes[l] = of(l)->sums;
      std::copy_n(of(l)->sums, owned.count, owned.values.begin() + l * owned.count);
      std::fill_n(of(l)->sums, owned.count, kUnderWay);
    } else if (owned.lanes[l] != of(l)->sums) {
      throw std::runtime_error("a thread's sums are elsewhere than in the product before");
    }
  }
}

}  // namespace

uint64_t operand(const void* shared) {
  const uint64_t at = shared_offset(block(), shared, 1);
  return at >> 4 | uint64_t{1} << 16 | uint64_t{1024 / 16} << 32 | uint64_t{1} << 62;
}

void start_products() {
  GroupWarp& mine = warpgroup().warps[warp_of_group()];
  meet("start_products", [&](Warp&) { mine.started = true; });
}

void multiply_group(float (*decode)(uint16_t), int width, float* sums, uint64_t a, uint64_t b,
                    bool add) {
  Warpgroup& group = warpgroup();
  const int w = warp_of_group();
  const Block& home = block();
  Asked asked{sums, a, b, add};
  block().warps[fiber().thread / kWarp].argument[lane()][0] = &asked;
  meet("multiply_group", [&](Warp& warp) {
    GroupWarp& mine = group.warps[w];
    const size_t place = mine.issued++ - group.gone;
    if (place == group.products.size()) group.products.push_back({width, decode, a, b, add});
    GroupProduct& product = group.products[place];
    for (int l = 0; l < kWarp; ++l) {
      const auto* each = static_cast<const Asked*>(warp.argument[l][0]);
      if (each->a != product.a || each->b != product.b || each->add != product.add ||
          width != product.width || decode != product.decode)
        throw std::runtime_error("threads of a warpgroup multiply different operands");
    }
    check_operand(home, a, kWarpgroup / 2);
    check_operand(home, b, width);
    product.sums[w] = static_cast<const Asked*>(warp.argument[0][0])->sums;
    own_sums(mine, warp, width);
    if (++product.warps < kGroupWarps) return;
    ++group.complete;
    ++group.generation;
    if (control().seed != 0 && chance()() % 2) execute_until(home, group, group.complete);
  });
}

void commit_products() {
  GroupWarp& mine = warpgroup().warps[warp_of_group()];
  meet("commit_products", [&](Warp&) { mine.groups.push_back(mine.issued); });
}

void wait_products(size_t pending) {
  Warpgroup& group = warpgroup();
  GroupWarp& mine = group.warps[warp_of_group()];
  const Block& home = block();
  meet("wait_products", [](Warp&) {});
  const size_t until =
      mine.groups.size() > pending ? mine.groups[mine.groups.size() - pending - 1] : mine.waited;
  while (group.complete < until) wait_for(&group.generation, group.generation);
  meet("wait_products", [&](Warp&) {
    // Others may still change the operands until now.
    execute_until(home, group, until);
    for (; mine.waited < until; ++mine.waited) {
      const GroupProduct& product = group.products[mine.waited - group.gone];
      const auto found = mine.owned.find(product.sums[warp_of_group()]);
      if (--found->second.pending > 0) continue;
      give_back(found->second);
      mine.owned.erase(found);
      mine.started = false;
    }
    while (mine.groups.size() > pending) mine.groups.pop_front();
    group.waited = std::max(group.waited, mine.waited);
    while (std::all_of(group.warps.begin(), group.warps.end(),
                       [&](const GroupWarp& warp) { return warp.waited > group.gone; })) {
      group.products.pop_front();
      ++group.gone;
    }
  });
}

void require_unread(Block& block, size_t begin, size_t end) {
  const auto overlaps = [&](uint64_t operand, int rows) {
    const auto [first, last] = bytes_of(operand, rows);
    return first < end && begin < last;
  };
  for (const Warpgroup& group : hopper(block).groups)
    for (size_t p = group.waited - group.gone; p < group.products.size(); ++p) {
      const GroupProduct& product = group.products[p];
      if (overlaps(product.a, kWarpgroup / 2) || overlaps(product.b, product.width))
        throw std::runtime_error("a box is copied over what products under way read");
    }
}

void require_no_products(const Block& block) {
  if (!block.hopper) return;
  for (const Warpgroup& group : block.hopper->groups)
    if (!group.products.empty())
      throw std::runtime_error("a block ends while products are under way");
}

}  // namespace mmkernels::shim
