// SPDX-License-Identifier: Apache-2.0
// fastcv._cuda.nerf: samplers and the contraction.
#include "cuda/bindings/arrays.h"
// Comes after the device has been chosen.
#include "bindings/nerf_sampling.h"
#include "cuda/nerf/contraction.h"
#include "cuda/nerf/sampling.h"

namespace fastcv::bindings {
namespace {

void bind_samplers(nb::module_& m) {
  m.def(
      "sample_stratified",
      [](ViewArg<const float, 1> near, ViewArg<const float, 1> far, bool disparity, const Seed& seed,
         std::int64_t first_ray, ViewArg<float, 2> out, std::intptr_t stream) {
        const auto spacing = disparity ? nerf::Spacing::disparity : nerf::Spacing::linear;
        const nerf::Jitter jitter = jitter_from(seed, first_ray);
        const nerf::EdgeRows rows = edge_rows(out);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::nerf::sample_stratified(near.data(), far.data(), spacing, jitter, rows, stream_from(stream));
      },
      array("near"), array("far"), nb::arg("disparity"), nb::arg("seed").none(), nb::arg("first_ray"), array("out"),
      nb::arg("stream"));
  m.def(
      "sample_pdf",
      [](nb::ndarray<const float, nb::c_contig, Device> starts, std::optional<ViewArg<const float, 1>> ends,
         nb::ndarray<const float, nb::c_contig, Device> weights, const Offsets& offsets, const Seed& seed,
         std::int64_t first_ray, ViewArg<float, 2> out, std::intptr_t stream) {
        const nerf::WeightedIntervals intervals = intervals_from(starts, ends, weights, offsets);
        const nerf::Jitter jitter = jitter_from(seed, first_ray);
        const nerf::EdgeRows rows = edge_rows(out);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::nerf::sample_pdf(intervals, jitter, rows, stream_from(stream));
      },
      array("starts"), array("ends").none(), array("weights"), array("offsets").none(), nb::arg("seed").none(),
      nb::arg("first_ray"), array("out"), nb::arg("stream"));
  m.def(
      "merge_edges",
      [](ViewArg<const float, 2> a, ViewArg<const float, 2> b, ViewArg<float, 2> out, std::intptr_t stream) {
        const std::int64_t rows = size_of(a, 0), num_a = size_of(a, 1), num_b = size_of(b, 1);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::nerf::merge_edges(a.data(), b.data(), rows, num_a, num_b, out.data(), stream_from(stream));
      },
      array("a"), array("b"), array("out"), nb::arg("stream"));
}

template <class T>
void bind_interlevel(nb::module_& m) {
  m.def(
      "interlevel_loss",
      [](ViewArg<const T, 2> edges, ViewArg<const T, 2> weights, ViewArg<const T, 2> proposal_edges,
         ViewArg<const T, 2> proposal_weights, ViewArg<T, 1> loss, std::intptr_t stream) {
        const nerf::ProposalRows<T> rows = proposal_rows<T>(edges, weights, proposal_edges, proposal_weights);
        const cuda::DeviceGuard guard(loss.device_id());
        cuda::nerf::interlevel_loss(rows, loss.data(), stream_from(stream));
      },
      array("edges"), array("weights"), array("proposal_edges"), array("proposal_weights"), array("loss"),
      nb::arg("stream"));
  m.def(
      "interlevel_loss_vjp",
      [](ViewArg<const T, 2> edges, ViewArg<const T, 2> weights, ViewArg<const T, 2> proposal_edges,
         ViewArg<const T, 2> proposal_weights, ViewArg<const T, 1> grad, ViewArg<T, 2> out, std::intptr_t stream) {
        const nerf::ProposalRows<T> rows = proposal_rows<T>(edges, weights, proposal_edges, proposal_weights);
        const cuda::DeviceGuard guard(out.device_id());
        cuda::nerf::interlevel_loss_vjp(rows, grad.data(), out.data(), stream_from(stream));
      },
      array("edges"), array("weights"), array("proposal_edges"), array("proposal_weights"), array("grad"), array("out"),
      nb::arg("stream"));
}

template <class T>
void bind_contraction(nb::module_& m) {
  m.def(
      "contract",
      [](bool linf, bool inverse, RowsArg<const T, 3> points, const TangentRows<T>& tangents, RowsArg<T, 3> out,
         std::intptr_t stream) {
        const nerf::ContractionPoints<T> in = contraction_points<T>(points, tangents);
        const cuda::DeviceGuard guard(points.device_id());
        cuda::nerf::contract(contraction_from(linf, inverse), in, out.data(), stream_from(stream));
      },
      nb::arg("linf"), nb::arg("inverse"), array("points"), array("tangents").none(), array("out"), nb::arg("stream"));
  m.def(
      "contract_vjp",
      [](bool linf, bool inverse, RowsArg<const T, 3> points, const TangentRows<T>& tangents, RowsArg<const T, 3> grad,
         RowsArg<T, 3> out, std::intptr_t stream) {
        const nerf::ContractionPoints<T> in = contraction_points<T>(points, tangents);
        const cuda::DeviceGuard guard(points.device_id());
        cuda::nerf::contract_vjp(contraction_from(linf, inverse), in, grad.data(), out.data(), stream_from(stream));
      },
      nb::arg("linf"), nb::arg("inverse"), array("points"), array("tangents").none(), array("grad"), array("out"),
      nb::arg("stream"));
}

}  // namespace

void bind_nerf_sampling(nb::module_& m) {
  bind_samplers(m);
  bind_interlevel<float>(m);
  bind_interlevel<double>(m);
  bind_contraction<float>(m);
  bind_contraction<double>(m);
}

}  // namespace fastcv::bindings
