// Runs a kernel on the CPU: one fiber per CUDA thread, one cluster of blocks after the other (a block
// by itself is a cluster of one).
//
// What a missing barrier or wait would leave to chance on a GPU is left to chance here, by a seed:
// the order of blocks, of warps and of threads, how far warps run ahead of one another, and whether
// an asynchronous copy completes when it is issued or when it is waited for. A fiber is resumed only
// when what it waits for has come, so that a launch in which none can go on is a deadlock, which is
// reported.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace mmkernels::shim {

// Saves the callee-saved registers and the stack pointer, and goes on where `to` was saved.
extern "C" void mmkernels_shim_switch(void** from, void* to);

struct Copy {
  void* to;
  const void* from;
};

constexpr size_t kCopyBytes = 16;
constexpr int kWarp = 32;
constexpr size_t kStackBytes = 128 * 1024;

struct Block;

struct Fiber {
  Block* home = nullptr;
  void* stack_pointer = nullptr;
  char* stack = nullptr;
  int thread = 0;
  bool done = false;
  // Waits while *generation == seen.
  const unsigned* generation = nullptr;
  unsigned seen = 0;
  // Waits while the phase of *barrier that is under way has this parity (hopper.hpp).
  const uint64_t* barrier = nullptr;
  int parity = 0;
  std::deque<std::vector<Copy>> groups;  // committed, not waited for
  std::vector<Copy> open;
  void* sanitizer_state = nullptr;

  bool ready() const;
};

struct Warp {
  int threads = 0, arrived = 0;
  unsigned generation = 0;
  const char* what = nullptr;  // the function all lanes are to call
  void* argument[kWarp][3] = {};
};

struct Cluster;
struct HopperBlock;

struct Block {
  Cluster* cluster = nullptr;
  int rank = 0;  // in the cluster
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::shared_ptr<HopperBlock> hopper;  // what only kernels for such devices use
  int alive = 0, arrived = 0;
  unsigned generation = 0;
  int64_t index = 0, count = 0;
  uint8_t* shared = nullptr;
  size_t shared_bytes = 0;
};

// A part of a box that the copy engine copies to these bytes of a block's shared memory, at any time
// after it was asked for.
struct BoxCopy {
  const Block* block = nullptr;
  size_t begin = 0, end = 0;
  std::function<void()> run;
};

struct Cluster {
  std::vector<Block> blocks;
  std::vector<BoxCopy> copies;  // under way
  int alive = 0, arrived = 0;
  unsigned generation = 0;
  std::function<void()> body;
  std::exception_ptr failure;
  void* scheduler = nullptr;
  void* scheduler_state = nullptr;
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_bytes = 0;
};

// A call of a synchronisation function in a kernel.
struct Site {
  std::string_view file;
  unsigned line = 0;
  const char* function = "";  // with its types, as the compiler writes it
  bool operator==(const Site& other) const { return line == other.line && file == other.file; }
};

// What the tests set before a launch, and what they read afterwards.
struct Control {
  uint64_t seed = 1;  // 0: threads in order, copies when they are waited for
  Site dropped;       // the synchronisation that is left out
  std::vector<Site> sites;  // all that were met
  int multiprocessors = 2;
};

Control& control();
Block& block();
Fiber& fiber();
std::mt19937_64& chance();

// Lets others run until *generation is no longer `seen`.
void wait_for(const unsigned* generation, unsigned seen);
// Lets others run until the phase of a barrier that is under way no longer has this parity.
void wait_for_phase(const uint64_t* barrier, int parity);

// Whether a synchronisation takes place; remembers where it is.
bool takes_place(const std::source_location& where);

void sync_threads();
void complete(Fiber& fiber, size_t pending);
void issue(void* to, const void* from);
void commit();

// All lanes of a warp meet; the last one to come runs `all` for the warp.
template <class All>
void meet(const char* what, All&& all) {
  Warp& warp = block().warps[fiber().thread / kWarp];
  if (warp.arrived == 0) warp.what = what;
  if (warp.what != what && std::strcmp(warp.what, what) != 0)
    throw std::runtime_error(std::string("lanes of a warp meet in ") + warp.what + " and in " + what);
  const unsigned seen = warp.generation;
  if (++warp.arrived < warp.threads) return wait_for(&warp.generation, seen);
  all(warp);
  warp.arrived = 0;
  ++warp.generation;
}

inline int lane() { return fiber().thread % kWarp; }

// Gives `mine` to the warp and returns what combine(values of the lanes, lane) makes of them.
template <class T, class Combine>
auto exchange(const char* what, T mine, Combine&& combine) {
  using Result = decltype(combine(static_cast<const T*>(nullptr), 0));
  Result result{};
  Warp& warp = block().warps[fiber().thread / kWarp];
  warp.argument[lane()][0] = &mine;
  warp.argument[lane()][1] = &result;
  meet(what, [&](Warp& all) {
    T values[kWarp] = {};
    for (int l = 0; l < all.threads; ++l) values[l] = *static_cast<T*>(all.argument[l][0]);
    for (int l = 0; l < all.threads; ++l)
      *static_cast<Result*>(all.argument[l][1]) = combine(values, l);
  });
  return result;
}

// Runs `clusters` clusters of `size` blocks of `threads` threads, each with shared memory of its own
// content.
void run(const char* name, int64_t clusters, int size, int threads, size_t shared_bytes,
         const std::function<void()>& body);

}  // namespace mmkernels::shim
