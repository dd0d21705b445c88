#include "fibers.hpp"

#include "hopper.hpp"

#if !defined(__x86_64__)
#error "The shim switches stacks with instructions of x86-64."
#endif

asm(R"(
.text
.globl mmkernels_shim_switch
.type mmkernels_shim_switch, @function
mmkernels_shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size mmkernels_shim_switch, .-mmkernels_shim_switch
)");

namespace mmkernels::shim {
namespace {

Cluster* running_cluster = nullptr;
Fiber* running_fiber = nullptr;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
template <class T>
using Memory = std::unique_ptr<T[], FreeMemory>;

template <class T>
Memory<T> allocate(size_t alignment, size_t bytes) {
  // Not a byte more than is asked for, so that an access beyond it is seen.
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes)) throw std::bad_alloc();
  return Memory<T>(static_cast<T*>(memory));
}

void to_scheduler(bool for_good) {
  Fiber& self = *running_fiber;
  Cluster& home = *running_cluster;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &self.sanitizer_state, home.scheduler_stack,
                                 home.scheduler_stack_bytes);
#else
  (void)for_good;
#endif
  mmkernels_shim_switch(&self.stack_pointer, home.scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(self.sanitizer_state, &home.scheduler_stack,
                                  &home.scheduler_stack_bytes);
#endif
}

void resume(Cluster& home, Fiber& next) {
  running_fiber = &next;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&home.scheduler_state, next.stack, kStackBytes);
#endif
  mmkernels_shim_switch(&home.scheduler, next.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(home.scheduler_state, nullptr, nullptr);
#endif
  running_fiber = nullptr;
}

void entry() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &running_cluster->scheduler_stack,
                                  &running_cluster->scheduler_stack_bytes);
#endif
  try {
    running_cluster->body();
    complete(*running_fiber, 0);
  } catch (...) {
    if (!running_cluster->failure) running_cluster->failure = std::current_exception();
  }
  running_fiber->done = true;
  // Those that are still there may be waiting for this one.
  const auto leave = [](auto& group) {
    if (--group.alive > 0 && group.arrived == group.alive) {
      group.arrived = 0;
      ++group.generation;
    }
  };
  leave(*running_fiber->home);
  leave(*running_cluster);
  to_scheduler(true);
  std::abort();
}

// As if the fiber had just called entry().
void prepare(Fiber& fresh) {
#if defined(__SANITIZE_ADDRESS__)
  // The frames in which the last fiber on this stack ended were never left.
  __asan_unpoison_memory_region(fresh.stack, kStackBytes);
#endif
  void** top = reinterpret_cast<void**>(fresh.stack + kStackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(&entry);
  fresh.stack_pointer = top - 6;
  std::memset(fresh.stack_pointer, 0, 6 * sizeof(void*));
}

// Copies of boxes end whenever it suits them; where nobody can go on, one of them has to.
bool complete_copies(Cluster& home, bool all_wait) {
  if (home.copies.empty()) return false;
  const bool random = control().seed != 0;
  bool any = false;
  for (size_t c = 0; c < home.copies.size();) {
    if (random ? chance()() % 8 == 0 : all_wait && !any) {
      const BoxCopy copy = std::move(home.copies[c]);
      home.copies.erase(home.copies.begin() + static_cast<std::ptrdiff_t>(c));
      copy.run();
      any = true;
    } else {
      ++c;
    }
  }
  return any || (random && all_wait);
}

// Bits of warps that fall behind: some of them, or all of a block or warpgroup, of which there are
// `warps` each.
uint64_t draw_asleep(int all, int warps) {
  if (chance()() % 2) return chance()() & chance()();
  const int parts = (all + warps - 1) / warps;
  const uint64_t ones = warps < 64 ? (uint64_t{1} << warps) - 1 : ~uint64_t{0};
  return ones << (chance()() % parts * warps) % 64;
}

void run_cluster(Cluster& home, const char* name) {
  const bool random = control().seed != 0;
  std::vector<std::pair<Block*, int>> order;
  for (Block& block : home.blocks)
    for (int w = 0; w < static_cast<int>(block.warps.size()); ++w) order.push_back({&block, w});
  const int warps = static_cast<int>(home.blocks[0].warps.size());
  const int all = static_cast<int>(order.size());
  const auto bit = [&](const std::pair<Block*, int>& at) {
    return (at.first->rank * warps + at.second) % 64;
  };
  const auto draw = [&] { return draw_asleep(all, chance()() % 2 ? warps : kGroupWarps); };
  // As far as the others get without them; then it is others.
  uint64_t asleep = random ? draw() : 0;
  bool ran = true;
  while (home.alive > 0 && !home.failure) {
    if (random) std::shuffle(order.begin(), order.end(), chance());
    uint64_t chosen = random ? chance()() & ~asleep : ~uint64_t{0};
    if (!ran) {
      chosen = ~uint64_t{0};
      asleep = draw();
    }
    ran = false;
    bool any_ready = false, any_awake = false;
    if (random) complete_copies(home, false);
    for (const auto& at : order) {
      Block& block = *at.first;
      const int first = at.second * kWarp, count = block.warps[at.second].threads;
      const int start = random ? static_cast<int>(chance()() % count) : 0;
      for (int t = 0; t < count; ++t) {
        Fiber& next = block.fibers[first + (start + t) % count];
        if (!next.ready()) continue;
        any_ready = true;
        any_awake = any_awake || !(asleep >> bit(at) & 1);
        if (!(chosen >> bit(at) & 1)) break;
        resume(home, next);
        ran = true;
        if (home.failure) return;
      }
    }
    ran = ran || any_awake;
    if (!any_ready && !complete_copies(home, true))
      throw std::runtime_error(std::string(name) + ": all threads of block " +
                               std::to_string(home.blocks[0].index) + " wait for one another");
  }
  if (home.failure) return;
  if (!home.copies.empty())
    throw std::runtime_error(std::string(name) + ": ends while boxes are copied to it");
  for (const Block& block : home.blocks) require_no_products(block);
}

}  // namespace

Control& control() {
  static Control settings;
  return settings;
}

Block& block() { return *running_fiber->home; }
Fiber& fiber() { return *running_fiber; }

std::mt19937_64& chance() {
  static std::mt19937_64 generator;
  return generator;
}

void wait_for(const unsigned* generation, unsigned seen) {
  Fiber& self = *running_fiber;
  while (*generation == seen) {
    self.generation = generation;
    self.seen = seen;
    to_scheduler(false);
  }
  self.generation = nullptr;
}

void wait_for_phase(const uint64_t* barrier, int parity) {
  Fiber& self = *running_fiber;
  while (phase_parity(*barrier) == parity) {
    self.barrier = barrier;
    self.parity = parity;
    to_scheduler(false);
  }
  self.barrier = nullptr;
}

bool Fiber::ready() const {
  return !done && (!generation || *generation != seen) &&
         (!barrier || phase_parity(*barrier) != parity);
}

void run(const char* name, int64_t clusters, int size, int threads, size_t shared_bytes,
         const std::function<void()>& body) {
  if (running_cluster) throw std::runtime_error("a kernel was launched from a kernel");
  if (threads % kWarp || threads < kWarp || threads > 1024)
    throw std::runtime_error(std::string(name) + ": a block must have whole warps, 1024 threads at most");
  chance().seed(control().seed);
  std::vector<Memory<char>> stacks;
  for (int t = 0; t < size * threads; ++t) stacks.push_back(allocate<char>(64, kStackBytes));
  std::vector<Memory<uint8_t>> shared;
  for (int rank = 0; rank < size; ++rank) shared.push_back(allocate<uint8_t>(1024, shared_bytes));
  std::vector<int64_t> order(clusters);
  for (int64_t c = 0; c < clusters; ++c) order[c] = c;
  if (control().seed != 0) std::shuffle(order.begin(), order.end(), chance());
  for (int64_t index : order) {
    Cluster home;
    home.alive = size * threads;
    home.body = body;
    home.blocks.resize(size);
    for (int rank = 0; rank < size; ++rank) {
      Block& block = home.blocks[rank];
      block.cluster = &home;
      block.rank = rank;
      block.index = index * size + rank;
      block.count = clusters * size;
      block.alive = threads;
      block.shared = shared[rank].get();
      block.shared_bytes = shared_bytes;
      if (shared_bytes) std::memset(block.shared, 0xff, shared_bytes);  // NaN in every format
      block.fibers.resize(threads);
      block.warps.resize(threads / kWarp);
      for (int t = 0; t < threads; ++t) {
        block.fibers[t].home = &block;
        block.fibers[t].thread = t;
        block.fibers[t].stack = stacks[rank * threads + t].get();
        prepare(block.fibers[t]);
        ++block.warps[t / kWarp].threads;
      }
    }
    running_cluster = &home;
    try {
      run_cluster(home, name);
    } catch (...) {
      home.failure = std::current_exception();
    }
    running_cluster = nullptr;
    if (home.failure) std::rethrow_exception(home.failure);
  }
}

}  // namespace mmkernels::shim
