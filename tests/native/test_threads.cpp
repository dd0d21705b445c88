#include <thread>
#include <vector>

#include "check.hpp"
#include "operations.hpp"

using namespace mmkernels;
using namespace mmkernels::cpu;
using namespace mmkernels::testing;

TEST(threads_do_not_change_a_bit) {
  for (const Operation& operation : all_operations()) {
    const Bits wanted = operation.run({1, {}});
    CHECK(!wanted.empty(), operation.name);
    for (const int threads : {2, 5, 2})
      CHECK(operation.run({threads, {}}) == wanted, operation.name, threads);
  }
}

TEST(threads_do_not_change_a_bit_of_many_rows) {
  const Neighbors wanted = search_many_rows({1, {}});
  for (const int threads : {2, 5}) {
    const Neighbors found = search_many_rows({threads, {}});
    CHECK(found.indices == wanted.indices, threads);
    CHECK(bits_of(found.scores) == bits_of(wanted.scores), threads);
  }
}

TEST(threads_of_the_caller_may_call_at_once) {
  std::vector<Bits> wanted;
  for (const Operation& operation : all_operations()) wanted.push_back(operation.run({1, {}}));
  const size_t count = wanted.size();
  std::vector<Bits> found(4 * count);
  std::vector<std::thread> callers;
  for (size_t caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (size_t i = 0; i < count; ++i) {  // each begins elsewhere, so that all kinds meet
        const size_t which = (i + caller * count / 4) % count;
        const Call call{1 + static_cast<int>(caller), {}};
        found[caller * count + which] = all_operations()[which].run(call);
      }
    });
  for (std::thread& caller : callers) caller.join();
  for (size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == wanted[i % count], all_operations()[i % count].name);
}

// One prepared object: its rows are packed by whoever comes first.
TEST(threads_of_the_caller_may_share_features) {
  const Stored stored(gaussian(200, 40, 1), Type::float32);
  const auto use = [](const Features& features, int which) {
    const Call call{2, {}};
    if (which == 0) return bits_of(neighbors(features, nullptr, Metric::euclidean, 1, call).scores);
    if (which == 1) return bits_of(std::vector<double>{median_distance(features, call)});
    const KernelMatrix matrix = kernel_matrix(features, Kernel::gaussian, 8, call);
    return bits_of(std::vector<double>{hsic_by_tiles({matrix}, {{0, 0}}, Estimator::song, call)[0].hsic});
  };
  std::vector<Bits> wanted;
  for (int which = 0; which < 3; ++which)
    wanted.push_back(use(Features(stored.view(), false, Centre::robust, {1, {}}), which));
  for (int round = 0; round < 10; ++round) {
    const Features features(stored.view(), false, Centre::robust, {2, {}});
    std::vector<Bits> found(6);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 6; ++caller)
      callers.emplace_back([&, caller] { found[caller] = use(features, caller % 3); });
    for (std::thread& caller : callers) caller.join();
    for (int caller = 0; caller < 6; ++caller) CHECK(found[caller] == wanted[caller % 3], caller);
  }
}
