// What threads of any kernel call.
#include "fibers.hpp"

namespace mmkernels::shim {

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

}  // namespace mmkernels::shim
