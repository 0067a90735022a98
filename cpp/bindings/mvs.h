// SPDX-License-Identifier: Apache-2.0
// What the CPU and CUDA bindings of the mvs room share.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <vector>

#include "bindings/arrays.h"
#include "mvs/consistency.h"
#include "mvs/sweep.h"

namespace fastcv::bindings {

template <class T, int Rank>
using ViewArgs = std::vector<ViewArg<T, Rank>>;

template <class T, int Rank>
using OptionalView = std::optional<ViewArg<T, Rank>>;

template <int Rank, class T>
View<T, Rank> view_or_null(const OptionalView<T, Rank>& array) {
  return array ? view<Rank>(*array) : View<T, Rank>{};
}

using Images = ViewArgs<const std::int32_t, 3>;
using Bounds = OptionalView<const float, 3>;

inline mvs::Hypotheses hypotheses_from(const HostMatrix<float, 3>& planes, const Bounds& bounds) {
  return {planes.data(), view_or_null<3>(bounds).data, static_cast<std::int64_t>(planes.shape(0))};
}

// images: packed, the reference first; masked: one flag per image; sources: a row of rotation, translation and weight
// for each.
inline mvs::Sweep sweep_from(const Images& images, const std::vector<bool>& masked,
                             const HostMatrix<float, 13>& sources, const HostMatrix<float, 3>& planes,
                             const Bounds& bounds, mvs::MatchCost cost, int window, int num_best, int truncation) {
  const auto packed = [&](std::size_t i) {
    const auto size = [&](std::size_t axis) { return static_cast<std::int32_t>(images[i].shape(axis)); };
    return mvs::PackedImage{images[i].data(), size(0) - 1, size(1) - 1, masked[i], size(2)};
  };
  mvs::Sweep sweep{};
  sweep.cost = cost;
  sweep.channels = images[0].shape(2) == 1 ? 1 : 3;
  sweep.window = window;
  sweep.num_best = num_best;
  sweep.truncation = truncation;
  sweep.num_sources = static_cast<std::int32_t>(sources.shape(0));
  sweep.reference = packed(0);
  sweep.hypotheses = hypotheses_from(planes, bounds);
  for (int k = 0; k < sweep.num_sources; ++k) {
    mvs::SweepSource& source = sweep.sources[k];
    source.image = packed(k + 1);
    const float* row = sources.data() + 13 * k;
    std::copy(row, row + 9, source.rotation);
    std::copy(row + 9, row + 12, source.translation);
    source.weight = row[12];
    sweep.weighted |= source.weight != 1.0F;
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
  nb::enum_<mvs::MatchCost>(m, "MatchCost")
      .value("ncc", mvs::MatchCost::ncc)
      .value("sad", mvs::MatchCost::sad)
      .value("census", mvs::MatchCost::census)
      .value("gradient", mvs::MatchCost::gradient);
}

// The arguments of sweep_from, as every op that sweeps takes them: parameters, their values, and their names.
#define FASTCV_SWEEP_PARAMETERS                                                                                     \
  const Images &images, const std::vector<bool>&masked, HostMatrix<float, 13> sources, HostMatrix<float, 3> planes, \
      const Bounds &bounds, mvs::MatchCost cost, int window, int num_best, int truncation
#define FASTCV_SWEEP_VALUES images, masked, sources, planes, bounds, cost, window, num_best, truncation
#define FASTCV_SWEEP_ARGS                                                                                      \
  nb::arg("images").noconvert(), nb::arg("masked"), array("sources"), array("planes"), array("bounds").none(), \
      nb::arg("cost"), nb::arg("window"), nb::arg("num_best"), nb::arg("truncation")

// The fields of Smoothing.
#define FASTCV_SMOOTHING_PARAMETERS float max_cost, int p1, int p2, std::int64_t band_rows
#define FASTCV_SMOOTHING_ARGS nb::arg("max_cost"), nb::arg("p1"), nb::arg("p2"), nb::arg("band_rows")

// The first arguments of estimate_disparity.
#define FASTCV_STEREO_ARGS                                                                                           \
  array("left"), array("right"), nb::arg("num_disparities"), nb::arg("min_disparity"), nb::arg("p1"), nb::arg("p2"), \
      nb::arg("max_difference"), nb::arg("min_confidence")

}  // namespace fastcv::bindings
