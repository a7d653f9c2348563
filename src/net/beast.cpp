// The compiled part of Asio and Beast, once (BOOST_ASIO_SEPARATE_COMPILATION): the files that use them compile in two thirds of the time.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
