// SPDX-License-Identifier: Apache-2.0
// nanobind array types and their conversion to plain views. Shared by the CPU and CUDA bindings.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include "core/view.h"

namespace nb = nanobind;

namespace fastcv::bindings {

#ifdef FASTCV_CUDA_BINDINGS
using Device = nb::device::cuda;
#else
using Device = nb::device::cpu;
#endif

// C-contiguous arrays on this module's device. A const T accepts read-only arrays.
template <class T, int Cols>
using RowsArg = nb::ndarray<T, nb::shape<-1, Cols>, nb::c_contig, Device>;
template <class T>
using MatricesArg = nb::ndarray<T, nb::shape<-1, 3, 3>, nb::c_contig, Device>;
template <class T>
using PosesArg = nb::ndarray<T, nb::shape<-1, 3, 4>, nb::c_contig, Device>;
template <class T, int Rank>
using ViewArg = nb::ndarray<T, nb::ndim<Rank>, nb::c_contig, Device>;
// Small parameters, always read on the host.
template <class T>
using HostVector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T, int Count>
using HostNumbers = nb::ndarray<const T, nb::shape<Count>, nb::c_contig, nb::device::cpu>;
template <class T, int Cols>
using HostMatrix = nb::ndarray<const T, nb::shape<-1, Cols>, nb::c_contig, nb::device::cpu>;

template <int Cols, class T>
Rows<T, Cols> rows(const RowsArg<T, Cols>& array) {
  return {array.data(), static_cast<std::int64_t>(array.shape(0))};
}

template <class T>
Rows<T, 9> matrices(const MatricesArg<T>& array) {
  return {array.data(), static_cast<std::int64_t>(array.shape(0))};
}

template <class T>
Rows<T, 12> poses(const PosesArg<T>& array) {
  return {array.data(), static_cast<std::int64_t>(array.shape(0))};
}

template <int Rank, class T>
View<T, Rank> view(const ViewArg<T, Rank>& array) {
  View<T, Rank> result{array.data(), {}};
  for (int d = 0; d < Rank; ++d) result.shape[d] = static_cast<std::int64_t>(array.shape(d));
  return result;
}

// An array argument. Without noconvert nanobind would copy a strided or other-dtype `out` and lose the result.
inline auto array(const char* name) { return nb::arg(name).noconvert(); }

}  // namespace fastcv::bindings
