#include "check.hpp"
#include "operations.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

namespace {

struct Stop {};

// A call that is stopped when it asks for the (polls + 1)-th time.
Call stopped_after(int polls, int threads) {
  return {threads, [left = polls]() mutable { if (left-- == 0) throw Stop{}; },
          std::chrono::milliseconds(0)};
}

// Runs work(call), stopped at its first poll, at its second, and so on until it is through, in
// strides that grow by a part of the polls there were; returns how often it was stopped.
template <class Work>
int stop_everywhere(int threads, int part, const Work& work) {
  int stops = 0;
  for (int polls = 0;; polls += 1 + polls / part, ++stops) {
    try {
      work(stopped_after(polls, threads));
      return stops;
    } catch (const Stop&) {
    }
  }
}

}  // namespace

TEST(interruption_at_every_point) {
  for (const Operation& operation : all_operations()) {
    const Bits wanted = operation.run({2, {}});
    for (const int threads : {1, 3}) {
      const int stops = stop_everywhere(
          threads, threads == 1 ? 4 : 1, [&](const Call& call) { CHECK(operation.run(call) == wanted); });
      // With help, the calling thread may find nothing left to do, and then does not poll.
      CHECK(stops > 0 || threads > 1, operation.name);
    }
    CHECK(operation.run({3, {}}) == wanted, operation.name);
  }
}

TEST(interruption_of_many_rows) {
  const Neighbors wanted = search_many_rows({2, {}});
  const int stops = stop_everywhere(1, 1, [&](const Call& call) {
    CHECK(search_many_rows(call).indices == wanted.indices);
  });
  CHECK(stops > 5, stops);
  CHECK(search_many_rows({2, {}}).indices == wanted.indices);
}

// What a stopped call has begun to prepare is prepared anew by the next.
TEST(interruption_leaves_features_usable) {
  const Stored stored(gaussian(300, 40, 1), Type::float32);
  const auto read = [&] { return Features(stored.view(), false, Centre::robust, {1, {}}); };
  const auto search = [](const Features& features, const Call& call) {
    return bits_of(neighbors(features, nullptr, Metric::euclidean, 2, call).scores);
  };
  const auto measure = [](const Features& features, const Call& call) {
    return bits_of(std::vector<double>{median_distance(features, call)});
  };
  const auto sum = [](const Features& features, const Call& call) {
    const KernelMatrix matrix = kernel_matrix(features, Kernel::gaussian, 8, call);
    return bits_of(std::vector<double>{hsic_by_tiles({matrix}, {{0, 0}}, Estimator::song, call)[0].hsic});
  };
  const auto check = [&](const auto& use, const char* name) {
    const Bits wanted = use(read(), Call{2, {}});
    for (int polls = 0; polls < 60; polls += 1 + polls / 8) {
      const Features features = read();
      try {
        use(features, stopped_after(polls, 1));
      } catch (const Stop&) {
      }
      CHECK(use(features, Call{2, {}}) == wanted, name, "stopped after", polls);
    }
  };
  check(search, "search");
  check(measure, "median distance");
  check(sum, "hsic");
}
