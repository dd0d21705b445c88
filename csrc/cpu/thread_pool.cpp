#include "thread_pool.hpp"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace mmkernels::cpu {
namespace {

// Between two looks of a thread that has nothing left to do but to ask whether to stop.
constexpr std::chrono::milliseconds kWait{10};

int default_thread_count() {
  if (const char* text = std::getenv("MMKERNELS_NUM_THREADS"); text && *text) {
    char* end = nullptr;
    const long count = std::strtol(text, &end, 10);
    if (end == text || *end || count < 1 || count > 4096)
      throw std::invalid_argument(std::string("MMKERNELS_NUM_THREADS is '") + text +
                                  "'; it must be a number from 1 to 4096.");
    return static_cast<int>(count);
  }
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count ? static_cast<int>(count) : 1;
}

std::atomic<int>& configured_threads() {
  static std::atomic<int> count{default_thread_count()};
  return count;
}

struct Job {
  const std::function<void(int64_t, int)>& body;
  const int64_t units;
  const int max_threads;
  std::atomic<int64_t> next{0};
  std::atomic<bool> stopped{false};
  // Guarded by the pool's mutex.
  int joined = 1, running = 0;
  std::exception_ptr error;

  bool open() const {
    return joined < max_threads && !stopped.load(std::memory_order_relaxed) &&
           next.load(std::memory_order_relaxed) < units;
  }

  // Takes units until none is left; `between` runs after each.
  template <class Between>
  void work(int thread, Between&& between) {
    while (!stopped.load(std::memory_order_relaxed)) {
      const int64_t unit = next.fetch_add(1, std::memory_order_relaxed);
      if (unit >= units) return;
      body(unit, thread);
      between();
    }
  }
};

class Pool {
 public:
  void run(const std::shared_ptr<Job>& job, const Call& call) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(job);
      for (; workers_ < job->max_threads - 1; ++workers_)
        std::thread([this] { serve(); }).detach();
    }
    wake_.notify_all();
    try {
      job->work(0, [&] { call.poll_when_due(); });
    } catch (...) {
      fail(*job);
    }
    std::unique_lock lock(mutex_);
    std::erase(jobs_, job);
    while (job->running > 0) {
      if (!call.poll || job->error) {
        done_.wait(lock);
        continue;
      }
      done_.wait_for(lock, kWait);
      lock.unlock();
      try {
        call.poll_when_due();
      } catch (...) {
        fail(*job);
      }
      lock.lock();
    }
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::shared_ptr<Job> job;
      wake_.wait(lock, [&] {
        for (const auto& candidate : jobs_)
          if (candidate->open()) {
            job = candidate;
            return true;
          }
        return false;
      });
      const int thread = job->joined++;
      ++job->running;
      lock.unlock();
      try {
        job->work(thread, [] {});
      } catch (...) {
        fail(*job);
      }
      lock.lock();
      if (--job->running == 0) done_.notify_all();
    }
  }

  void fail(Job& job) {
    job.stopped.store(true, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    if (!job.error) job.error = std::current_exception();
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::shared_ptr<Job>> jobs_;
  int workers_ = 0;
};

// Never destroyed: workers may still wait on it while the process exits. After fork() the child
// has none of the workers, and a mutex in an unknown state, so it starts with a new pool.
Pool* current_pool = nullptr;

Pool& pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    current_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { current_pool = new Pool; });
  });
  return *current_pool;
}

}  // namespace

int thread_count() { return configured_threads().load(); }

void set_thread_count(int count) { configured_threads().store(count); }

void Call::poll_when_due() const {
  if (!poll) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_poll < poll_interval) return;
  last_poll = now;
  poll();
}

void parallel_for(int64_t units, const Call& call,
                  const std::function<void(int64_t, int)>& body) {
  if (units <= 0) return;
  const int threads = static_cast<int>(std::min<int64_t>(call.threads, units));
  pool().run(std::make_shared<Job>(body, units, threads), call);
}

void parallel_for_long(int64_t units, const Call& call,
                       const std::function<void(int64_t, const std::function<bool()>&)>& body) {
  std::atomic<bool> stopped{false};
  const auto stopping = [&](const auto& work) {
    try {
      work();
    } catch (...) {
      stopped = true;
      throw;
    }
  };
  Call stoppable = call;
  if (call.poll) stoppable.poll = [&] { stopping(call.poll); };
  parallel_for(units, stoppable, [&](int64_t unit, int thread) {
    const std::function<bool()> wanted = [&, thread] {
      if (thread == 0) stoppable.poll_when_due();
      return !stopped.load(std::memory_order_relaxed);
    };
    stopping([&] { body(unit, wanted); });
  });
}

}  // namespace mmkernels::cpu
