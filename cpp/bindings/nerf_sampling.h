// SPDX-License-Identifier: Apache-2.0
// Arguments of samplers and of the contraction. Shared by the CPU and CUDA bindings.
#pragma once

#include <nanobind/stl/optional.h>

#include <optional>

#include "bindings/arrays.h"
#include "nerf/contraction.h"
#include "nerf/sampling.h"

namespace fastcv::bindings {

using Offsets = std::optional<ViewArg<const std::int64_t, 1>>;
using Seed = std::optional<std::uint64_t>;

inline nerf::Jitter jitter_from(const Seed& seed, std::int64_t first_ray) {
  return {seed.has_value(), seed.value_or(0), first_ray};
}

template <class T>
std::int64_t size_of(const T& array, int axis) {
  return static_cast<std::int64_t>(array.shape(axis));
}

inline nerf::EdgeRows edge_rows(const ViewArg<float, 2>& out) {
  return {out.data(), size_of(out, 0), size_of(out, 1) - 1};
}

// Packed where there are ends, else `starts` are edges (rows, count + 1) and weights are (rows, count).
inline nerf::WeightedIntervals intervals_from(const nb::ndarray<const float, nb::c_contig, Device>& starts,
                                              const std::optional<ViewArg<const float, 1>>& ends,
                                              const nb::ndarray<const float, nb::c_contig, Device>& weights,
                                              const Offsets& offsets) {
  if (ends) return {starts.data(), ends->data(), weights.data(), offsets->data(), 0};
  return {starts.data(), starts.data() + 1, weights.data(), nullptr, size_of(weights, 1)};
}

template <class T>
nerf::ProposalRows<T> proposal_rows(const ViewArg<const T, 2>& edges, const ViewArg<const T, 2>& weights,
                                    const ViewArg<const T, 2>& proposal_edges,
                                    const ViewArg<const T, 2>& proposal_weights) {
  return {edges.data(),        weights.data(),      proposal_edges.data(),       proposal_weights.data(),
          size_of(weights, 0), size_of(weights, 1), size_of(proposal_weights, 1)};
}

inline nerf::Contraction contraction_from(bool linf, bool inverse) {
  return {linf ? nerf::ContractionNorm::linf : nerf::ContractionNorm::l2, inverse};
}

template <class T>
using TangentRows = std::optional<RowsArg<const T, 3>>;

template <class T>
nerf::ContractionPoints<T> contraction_points(const RowsArg<const T, 3>& points, const TangentRows<T>& tangents) {
  return {points.data(), tangents ? tangents->data() : nullptr, size_of(points, 0)};
}

}  // namespace fastcv::bindings
