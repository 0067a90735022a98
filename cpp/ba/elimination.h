// SPDX-License-Identifier: Apache-2.0
// In which order the nodes of a sparse symmetric system are eliminated, and where its Cholesky factor has entries.
#pragma once

#include "ba/schur_matrix.h"
#include "ba/unknowns.h"

namespace fastcv::ba {

struct Elimination {
  using Ints = std::vector<std::int32_t>;

  // Stops, with feasible = false, where the factor would have more than `most_entries`: before it orders anything where
  // the matrix has more.
  Elimination(const SchurMatrix& matrix, const Unknowns& unknowns, std::int64_t most_entries);

  std::int32_t size() const { return static_cast<std::int32_t>(node_at.size()); }

  bool feasible = true;
  Ints node_at, position;   // place to node, and back
  Ints parent;              // by place: of the elimination tree, -1 for a root; subtrees lie in consecutive places
  std::vector<Ints> below;  // by place: the later places with entries in its columns, ascending
};

}  // namespace fastcv::ba
