// Searches with a prefix on the shim, of sets far smaller than those for which one is tried.
#pragma once

#include <functional>

#include "neighbor_searches.hpp"
#include "shim/fibers.hpp"

namespace mmkernels::testing {

// A device that multiplies so slowly that a prefix is worth it for a few hundred rows.
inline PrefixTerms eager_prefix() {
  PrefixTerms terms;
  terms.allowed = true;
  terms.least_work = 0;
  terms.room = 512;
  terms.multiply_add = 1e-9;
  terms.score_again = 3e-9;
  return terms;
}

// Another one for each schedule that the tests run with.
inline Path path_of_seed() {
  return shim::control().seed % 2 ? Path::hopper : Path::general;
}

struct PrefixSearch {
  NeighborCall plan{};
  Found found;
  std::vector<int> listed;  // by position: candidates that were scored at the end

  PrefixSearch(const Matrix& x, Metric metric, int k, const PrefixTerms& terms = eager_prefix())
      : memory_([&](Workspace& workspace) {
          plan = take_neighbor_call(x.view(), std::nullopt, metric, k, path_of_seed(), workspace,
                                    terms);
        }) {
    found.indices.assign(x.rows * k, -7);
    found.scores.assign(x.rows * k, -7);
    find_neighbors(plan, found.indices.data(), found.scores.data(), nullptr);
    found.overflowed = *plan.search.lists.overflowed_count;
    listed.assign(plan.search.lists.counts, plan.search.lists.counts + x.rows);
  }

  int directions() const { return plan.search.prefix.state->directions; }
  int used_depth() const { return *plan.search.candidate_rows.used_depth; }
  double listed_on_average() const {
    return std::accumulate(listed.begin(), listed.end(), 0.0) / static_cast<double>(listed.size());
  }

 private:
  Memory<std::function<void(Workspace&)>> memory_;
};

// Coordinate c has standard deviation (c + 1)^-decay.
inline Matrix decaying(int64_t rows, int64_t columns, uint32_t seed, double decay = 1) {
  Matrix x = testing::normal(rows, columns, seed);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t c = 0; c < columns; ++c)
      x.at(i, c) *= static_cast<float>(std::pow(static_cast<double>(c + 1), -decay));
  return x;
}

}  // namespace mmkernels::testing
