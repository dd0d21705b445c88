#include "cpu/thread_pool.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace mmkernels::cpu;

namespace {

// Whether every unit was worked on once, and no two of them at once under the same thread number.
bool shares_fairly(int64_t units, int threads) {
  std::vector<std::atomic<int>> done(units);
  std::vector<std::atomic<bool>> busy(threads);
  std::atomic<bool> right{true};
  parallel_for(units, {threads, {}}, [&](int64_t unit, int thread) {
    if (thread < 0 || thread >= threads || busy[thread].exchange(true)) {
      right = false;
      return;
    }
    ++done[unit];
    busy[thread] = false;
  });
  for (const auto& count : done) right = right && count == 1;
  return right;
}

}  // namespace

TEST(thread_pool_shares_out_every_unit) {
  for (const int64_t units : {0, 1, 2, 7, 1000})
    for (const int threads : {1, 2, 5, 17}) CHECK(shares_fairly(units, threads), units, threads);
}

TEST(thread_pool_under_contention) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 150; ++round)
        if (!shares_fairly(1 + (round * 7 + caller) % 40, 1 + (round + caller) % 6)) ++wrong;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0, wrong.load());
}

TEST(thread_pool_from_within_itself) {
  std::atomic<int> units{0};
  parallel_for(9, {3, {}}, [&](int64_t, int) {
    parallel_for(11, {3, {}}, [&](int64_t, int) { ++units; });
  });
  CHECK(units == 99, units.load());
}

TEST(thread_pool_throws_what_a_unit_throws) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 50; ++round) {
        const int64_t bad = (round * 13 + caller) % 60;
        std::atomic<int> begun{0};
        std::string caught;
        try {
          parallel_for(60, {4, {}}, [&](int64_t unit, int) {
            ++begun;
            if (unit == bad) throw std::runtime_error("unit " + std::to_string(unit));
          });
        } catch (const std::runtime_error& error) {
          caught = error.what();
        }
        if (caught != "unit " + std::to_string(bad) || begun <= bad) ++wrong;
        if (!shares_fairly(20, 4)) ++wrong;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0, wrong.load());
}

TEST(thread_pool_polls_on_the_calling_thread) {
  const std::thread::id caller = std::this_thread::get_id();
  int polls = 0;
  bool elsewhere = false;
  const auto poll = [&] { ++polls; elsewhere |= std::this_thread::get_id() != caller; };
  for (int round = 0; round < 100; ++round)
    for (const int threads : {1, 4})
      parallel_for(50, {threads, poll, std::chrono::milliseconds(0)}, [](int64_t, int) {});
  CHECK(polls >= 5000 && !elsewhere, polls);
}

TEST(thread_pool_stops_long_units) {
  struct Stop {};
  const std::thread::id caller = std::this_thread::get_id();
  for (const bool caller_is_done : {false, true}) {
    std::atomic<int> helped{0}, ended{0};
    int polls = 0;
    const Call call{3, [&] { if (++polls > 20 && helped > 0) throw Stop{}; },
                    std::chrono::milliseconds(0)};
    bool stopped = false;
    try {
      parallel_for_long(3, call, [&](int64_t, const std::function<bool()>& wanted) {
        if (std::this_thread::get_id() != caller) {
          ++helped;
        } else if (caller_is_done) {
          while (helped == 0) std::this_thread::yield();
          return;
        }
        while (wanted()) std::this_thread::yield();
        ++ended;
      });
    } catch (const Stop&) {
      stopped = true;
    }
    CHECK(stopped && helped > 0 && ended == helped, caller_is_done, helped.load(), ended.load());
  }
}

TEST(thread_pool_throws_what_a_long_unit_throws) {
  for (int round = 0; round < 20; ++round) {
    std::string caught;
    try {
      parallel_for_long(4, {4, {}}, [&](int64_t unit, const std::function<bool()>& wanted) {
        if (unit == 2) throw std::runtime_error("unit 2");
        while (wanted()) std::this_thread::yield();
      });
    } catch (const std::runtime_error& error) {
      caught = error.what();
    }
    CHECK(caught == "unit 2", round);
  }
}

TEST(thread_pool_counts_threads) {
  const int before = thread_count();
  CHECK(before >= 1);
  set_thread_count(3);
  CHECK(thread_count() == 3 && Call().threads == 3);
  set_thread_count(before);
}
