// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of the mvs room share.
#pragma once

#include <nanobind/stl/vector.h>

#include <vector>

#include "bindings/arrays.h"
#include "mvs/consistency.h"
#include "mvs/sweep.h"

namespace fastcv::bindings {

template <class T, int Rank>
using ViewArgs = std::vector<ViewArg<T, Rank>>;

// images: packed, the reference first; projections: one row of rotation and translation per source.
inline mvs::Sweep sweep_from(const ViewArgs<const std::int32_t, 3>& images, const HostMatrix<float, 12>& projections,
                             const HostVector<float>& inverse_depths, mvs::MatchCost cost, int window, int num_best,
                             int truncation) {
  const auto packed = [](const ViewArg<const std::int32_t, 3>& image) {
    return mvs::PackedImage{image.data(), static_cast<std::int32_t>(image.shape(1) - 1),
                            static_cast<std::int32_t>(image.shape(2) - 1)};
  };
  mvs::Sweep sweep{cost,
                   static_cast<std::int32_t>(images[0].shape(0)),
                   window,
                   num_best,
                   truncation,
                   static_cast<std::int32_t>(projections.shape(0)),
                   packed(images[0]),
                   {},
                   inverse_depths.data(),
                   static_cast<std::int64_t>(inverse_depths.shape(0))};
  for (int k = 0; k < sweep.num_sources; ++k) {
    mvs::SweepSource& source = sweep.sources[k];
    source.image = packed(images[k + 1]);
    const float* row = projections.data() + 12 * k;
    std::copy(row, row + 9, source.rotation);
    std::copy(row + 9, row + 12, source.translation);
  }
  return sweep;
}

// transfers: one row per neighbour, from_reference and to_reference.
inline mvs::Neighbors neighbors_from(const ViewArgs<const float, 2>& depths, const HostMatrix<double, 24>& transfers) {
  mvs::Neighbors neighbors{static_cast<std::int32_t>(depths.size()), {}};
  for (std::size_t k = 0; k < depths.size(); ++k) {
    mvs::Neighbor& neighbor = neighbors.views[k];
    neighbor.depth = view<2>(depths[k]);
    const double* row = transfers.data() + 24 * k;
    std::copy(row, row + 12, neighbor.from_reference);
    std::copy(row + 12, row + 24, neighbor.to_reference);
  }
  return neighbors;
}

inline void bind_match_cost(nb::module_& m) {
  nb::enum_<mvs::MatchCost>(m, "MatchCost").value("ncc", mvs::MatchCost::ncc).value("sad", mvs::MatchCost::sad);
}

// The arguments of sweep_from, as every op that sweeps takes them.
#define FASTCV_SWEEP_ARGS                                                                                           \
  nb::arg("images").noconvert(), array("projections"), array("inverse_depths"), nb::arg("cost"), nb::arg("window"), \
      nb::arg("num_best"), nb::arg("truncation")

}  // namespace fastcv::bindings
