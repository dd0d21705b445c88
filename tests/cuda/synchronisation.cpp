#include "synchronisation.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <system_error>

#include "check.hpp"

namespace mmkernels::testing {
namespace {

constexpr uint64_t kSeeds = 8;  // tried until one notices
constexpr uint64_t kSeedsOfExcused = 2;
constexpr unsigned kSecondsAtMost = 30;  // a loop may wait for what never comes

// Whether `body` ends as it should without the site.
bool passes_without(const shim::Site& site, uint64_t seed, const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    // What is found there is expected.
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    alarm(kSecondsAtMost);
    shim::control() = {.seed = seed, .dropped = site, .sites = {}};
    try {
      body();
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool matters(const shim::Site& site, uint64_t seeds, const std::function<void()>& body) {
  for (uint64_t seed = 1; seed <= seeds; ++seed)
    if (!passes_without(site, seed, body)) return true;
  return false;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

Unproven leave_out_each_site(const std::function<void()>& body, const std::vector<Excused>& excused) {
  const shim::Control before = shim::control();
  Unproven unproven;
  for (uint64_t seed : {0, 1, 2}) {
    shim::control() = {.seed = seed, .dropped = {}, .sites = {}};
    body();
    for (const shim::Site& site : shim::control().sites)
      if (std::find(unproven.sites.begin(), unproven.sites.end(), site) == unproven.sites.end())
        unproven.sites.push_back(site);
  }
  std::vector<bool> needed(excused.size());
  for (const shim::Site& site : unproven.sites) {
    std::vector<size_t> excuses;
    for (size_t e = 0; e < excused.size(); ++e)
      if (excused[e].file == site.file && std::strstr(site.function, excused[e].function))
        excuses.push_back(e);
    const bool noticed = matters(site, excuses.empty() ? kSeeds : kSeedsOfExcused, body);
    for (size_t e : excuses) needed[e] = needed[e] || !noticed;
    if (!noticed && excuses.empty())
      unproven.unnoticed.push_back(std::string(site.file) + ":" + std::to_string(site.line));
  }
  for (size_t e = 0; e < excused.size(); ++e)
    if (!needed[e])
      unproven.needlessly_excused.push_back(std::string(excused[e].function) + " of " +
                                            excused[e].file);
  shim::control() = before;
  return unproven;
}

bool is_time_to_leave_out() {
#if defined(__SANITIZE_ADDRESS__)
  return false;
#else
  return shim::control().seed == 0;
#endif
}

size_t every_site_matters(const std::function<void()>& body, const std::vector<Excused>& excused) {
  const Unproven found = leave_out_each_site(body, excused);
  CHECK(found.unnoticed.empty(), "no seed notices the absence of", join(found.unnoticed));
  CHECK(found.needlessly_excused.empty(), "noticed although excused",
        join(found.needlessly_excused));
  return found.sites.size();
}

}  // namespace mmkernels::testing
