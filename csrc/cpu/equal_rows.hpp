// Rows that occur so often that no list of neighbours can reach all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "features.hpp"

namespace mmkernels::cpu {

// Of rows equal to the last bit, all but the k + 1 first: whoever is as near to them finds k of
// those first, by the lower index. Whatever looks for k neighbours can leave them out.
std::vector<int64_t> superfluous_rows(const Features& features, int64_t k);

}  // namespace mmkernels::cpu
