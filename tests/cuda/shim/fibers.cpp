#include "fibers.hpp"

#include <memory>

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

Block* running_block = nullptr;
Fiber* running_fiber = nullptr;

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
template <class T>
using Memory = std::unique_ptr<T[], FreeMemory>;

template <class T>
Memory<T> allocate(size_t alignment, size_t bytes) {
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return Memory<T>(static_cast<T*>(memory));
}

void to_scheduler(bool for_good) {
  Fiber& self = *running_fiber;
  Block& home = *running_block;
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

void resume(Block& home, Fiber& next) {
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
  __sanitizer_finish_switch_fiber(nullptr, &running_block->scheduler_stack,
                                  &running_block->scheduler_stack_bytes);
#endif
  try {
    running_block->body();
    complete(*running_fiber, 0);
  } catch (...) {
    if (!running_block->failure) running_block->failure = std::current_exception();
  }
  running_fiber->done = true;
  Block& home = *running_block;
  // Those that are still there may be waiting for this one.
  if (--home.alive > 0 && home.arrived == home.alive) {
    home.arrived = 0;
    ++home.generation;
  }
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

void run_block(Block& home, const char* name) {
  const bool random = control().seed != 0;
  const int warps = static_cast<int>(home.warps.size());
  std::vector<int> order(home.warps.size());
  for (int w = 0; w < warps; ++w) order[w] = w;
  // Warps that fall behind, as far as the others get without them; then it is others.
  uint64_t asleep = random ? chance()() & chance()() : 0;
  bool ran = true;
  while (home.alive > 0 && !home.failure) {
    if (random) std::shuffle(order.begin(), order.end(), chance());
    uint64_t chosen = random ? chance()() & ~asleep : ~uint64_t{0};
    if (!ran) {
      chosen = ~uint64_t{0};
      asleep = chance()() & chance()();
    }
    ran = false;
    bool any_ready = false, any_awake = false;
    for (int w : order) {
      const int first = w * kWarp, count = home.warps[w].threads;
      const int start = random ? static_cast<int>(chance()() % count) : 0;
      for (int t = 0; t < count; ++t) {
        Fiber& next = home.fibers[first + (start + t) % count];
        if (!next.ready()) continue;
        any_ready = true;
        any_awake = any_awake || !(asleep >> (w % 64) & 1);
        if (!(chosen >> (w % 64) & 1)) break;
        resume(home, next);
        ran = true;
        if (home.failure) return;
      }
    }
    ran = ran || any_awake;
    if (!any_ready)
      throw std::runtime_error(std::string(name) + ": all threads of block " +
                               std::to_string(home.index) + " wait for one another");
  }
}

}  // namespace

Control& control() {
  static Control settings;
  return settings;
}

Block& block() { return *running_block; }
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

bool takes_place(const std::source_location& where) {
  const char* name = std::strrchr(where.file_name(), '/');
  const Site site{name ? name + 1 : where.file_name(), where.line(), where.function_name()};
  std::vector<Site>& sites = control().sites;
  if (std::find(sites.begin(), sites.end(), site) == sites.end()) sites.push_back(site);
  return site != control().dropped;
}

void sync_threads() {
  Block& home = block();
  const unsigned seen = home.generation;
  if (++home.arrived < home.alive) return wait_for(&home.generation, seen);
  home.arrived = 0;
  ++home.generation;
}

void issue(void* to, const void* from) {
  if (reinterpret_cast<uintptr_t>(to) % kCopyBytes || reinterpret_cast<uintptr_t>(from) % kCopyBytes)
    throw std::runtime_error("an address of an asynchronous copy is not a multiple of 16");
  if (control().seed != 0 && chance()() % 2)
    std::memcpy(to, from, kCopyBytes);
  else
    fiber().open.push_back({to, from});
}

void commit() {
  Fiber& self = fiber();
  self.groups.push_back(std::move(self.open));
  self.open.clear();
}

void complete(Fiber& owner, size_t pending) {
  while (owner.groups.size() > pending) {
    for (const Copy& copy : owner.groups.front()) std::memcpy(copy.to, copy.from, kCopyBytes);
    owner.groups.pop_front();
  }
}

void run(const char* name, int64_t blocks, int threads, size_t shared_bytes,
         const std::function<void()>& body) {
  if (running_block) throw std::runtime_error("a kernel was launched from a kernel");
  if (threads % kWarp || threads < kWarp || threads > 1024)
    throw std::runtime_error(std::string(name) + ": a block must have whole warps, 1024 threads at most");
  chance().seed(control().seed);
  std::vector<Memory<char>> stacks;
  for (int t = 0; t < threads; ++t) stacks.push_back(allocate<char>(64, kStackBytes));
  // Its own allocation: an access beyond it is one beyond the heap's.
  Memory<uint8_t> shared = allocate<uint8_t>(128, std::max<size_t>(shared_bytes, 1));
  std::vector<int64_t> order(blocks);
  for (int64_t b = 0; b < blocks; ++b) order[b] = b;
  if (control().seed != 0) std::shuffle(order.begin(), order.end(), chance());
  for (int64_t index : order) {
    Block home;
    home.index = index;
    home.count = blocks;
    home.alive = threads;
    home.body = body;
    home.shared = shared.get();
    if (shared_bytes) std::memset(shared.get(), 0xff, shared_bytes);  // NaN in every format
    home.fibers.resize(threads);
    home.warps.resize(threads / kWarp);
    for (int t = 0; t < threads; ++t) {
      home.fibers[t].thread = t;
      home.fibers[t].stack = stacks[t].get();
      prepare(home.fibers[t]);
      ++home.warps[t / kWarp].threads;
    }
    running_block = &home;
    try {
      run_block(home, name);
    } catch (...) {
      home.failure = std::current_exception();
    }
    running_block = nullptr;
    if (home.failure) std::rethrow_exception(home.failure);
  }
}

}  // namespace mmkernels::shim
