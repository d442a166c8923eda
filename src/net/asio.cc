// The one translation unit that holds Asio's own code (BOOST_ASIO_SEPARATE_COMPILATION), so that the others compile
// quickly.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
