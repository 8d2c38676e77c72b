#pragma once
// Vectors whose storage starts on a cache line, for the arrays of the hot loops.

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace rewire {

template <class T, std::size_t Alignment = 64>
struct AlignedAllocator {
    using value_type = T;
    template <class U>
    struct rebind {
        using other = AlignedAllocator<U, Alignment>;
    };
    AlignedAllocator() = default;
    template <class U>
    constexpr AlignedAllocator(const AlignedAllocator<U, Alignment>&) noexcept {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{Alignment})); }
    void deallocate(T* p, std::size_t) noexcept { ::operator delete (p, std::align_val_t{Alignment}); }
    friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};

template <class T>
using aligned_vector = std::vector<T, AlignedAllocator<T>>;

/// Leaves new entries as they come: for large arrays that several threads then write, each its part first (a page
/// belongs to the memory of the processor that touches it first). Large ones ask for pages of 2 MB where the system
/// has them: that costs half a second a gigabyte once, and delivery, which starts a row at a random place, gains a
/// quarter.
template <class T>
struct UninitialisedAllocator : AlignedAllocator<T> {
    template <class U>
    struct rebind {
        using other = UninitialisedAllocator<U>;
    };
    UninitialisedAllocator() = default;
    T* allocate(std::size_t n) {
        if (n * sizeof(T) < large) return AlignedAllocator<T>::allocate(n);
        auto* p = static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{huge_page}));
#ifdef MADV_HUGEPAGE
        madvise(p, n * sizeof(T) / huge_page * huge_page, MADV_HUGEPAGE); // advice: nothing depends on its outcome
#endif
        return p;
    }
    void deallocate(T* p, std::size_t n) noexcept {
        if (n * sizeof(T) < large) return AlignedAllocator<T>::deallocate(p, n);
        ::operator delete (p, std::align_val_t{huge_page});
    }
    template <class U>
    constexpr UninitialisedAllocator(const UninitialisedAllocator<U>&) noexcept {}
    template <class U>
    void construct(U* p) {
        ::new (static_cast<void*>(p)) U;
    }
    template <class U, class... Arguments>
    void construct(U* p, Arguments&&... arguments) {
        ::new (static_cast<void*>(p)) U(std::forward<Arguments>(arguments)...);
    }

private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20, large = std::size_t{4} << 20; // bytes
};

template <class T>
using uninitialised_vector = std::vector<T, UninitialisedAllocator<T>>;

} // namespace rewire
