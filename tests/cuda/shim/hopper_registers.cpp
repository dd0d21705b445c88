#include "hopper.hpp"

namespace mmkernels::shim {
namespace {

constexpr int kAllRegisters = 65536, kMostOfThread = 256;

// What a launch for one block on a multiprocessor gives a thread.
int registers_at_launch(size_t threads) {
  return std::min(kMostOfThread - 1, static_cast<int>(kAllRegisters / threads / 8 * 8));
}

int in_use(const HopperBlock& home) {
  int sum = 0;
  for (const Warpgroup& group : home.groups)
    for (const GroupWarp& warp : group.warps) sum += warp.registers;
  return sum;
}

void ask(Warpgroup& group, GroupWarp& mine, int count) {
  mine.asked.push_back(count);
  for (const GroupWarp& other : group.warps)
    if (other.asked.size() >= mine.asked.size() && other.asked[mine.asked.size() - 1] != count)
      throw std::runtime_error("warps of a warpgroup ask for different numbers of registers");
}

}  // namespace

HopperBlock& hopper(Block& block) {
  if (block.hopper) return *block.hopper;
  block.hopper = std::make_shared<HopperBlock>();
  HopperBlock& home = *block.hopper;
  const size_t threads = block.fibers.size();
  home.groups.resize((threads + kWarpgroup - 1) / kWarpgroup);
  for (size_t w = 0; w < block.warps.size(); ++w)
    home.groups[w / kGroupWarps].warps[w % kGroupWarps].registers = registers_at_launch(threads);
  home.registers = in_use(home);
  return home;
}

void set_registers(int count, bool more) {
  if (count % 8 || count < 24 || count > kMostOfThread)
    throw std::runtime_error("threads have 24 to 256 registers, in multiples of 8");
  HopperBlock& home = hopper(block());
  const int w = fiber().thread / kWarp;
  if ((w / kGroupWarps + 1) * kWarpgroup > static_cast<int>(block().fibers.size()))
    throw std::runtime_error("a warpgroup has 128 threads");
  Warpgroup& group = home.groups[w / kGroupWarps];
  GroupWarp& mine = group.warps[w % kGroupWarps];
  meet(more ? "take_registers" : "give_registers", [&](Warp&) {
    ask(group, mine, count);
    if (more ? count < mine.registers : count > mine.registers)
      throw std::runtime_error(more ? "fewer registers are taken than there were"
                                    : "more registers are given than there were");
  });
  // Those that take wait for those that give.
  for (bool granted = false; !granted;) {
    const unsigned seen = home.registers_generation;
    meet("set_registers", [&](Warp&) {
      if (in_use(home) - mine.registers + count > home.registers) return;
      mine.registers = count;
      ++home.registers_generation;
    });
    granted = mine.registers == count;
    if (!granted) wait_for(&home.registers_generation, seen);
  }
}

}  // namespace mmkernels::shim
